// How Streamlit mounts a picture: one an element, made anew where it is told something else.

/**
 * @param {string} selector of the picture's element
 * @param {new (host: HTMLElement, told: Object, component: Object) => {retheme: () => void, remove: () => void}} Picture
 *   `component` is what Streamlit gives it, by which it can tell Python something
 * @returns what Streamlit calls on mounting and on every change of data or theme
 */
export function mounting(selector, Picture) {
  const pictures = new WeakMap();
  return (component) => {
    const { data, parentElement } = component;
    const host = parentElement.querySelector(selector);
    const told = JSON.stringify(data);
    const known = pictures.get(host);
    if (known?.told === told) known.picture.retheme();
    else {
      known?.picture.remove();
      pictures.set(host, { told, picture: new Picture(host, data, component) });
    }
    // Streamlit also calls this when a newer update overtook this one: the picture then stands, and stays.
    return () => host.isConnected || (pictures.get(host)?.picture.remove(), pictures.delete(host));
  };
}
