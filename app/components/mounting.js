// How Streamlit mounts a component: one an element, told on mounting and on every change of data or theme.

/**
 * @param {string} selector of the component's element
 * @param {(host: HTMLElement, data: Object, component: Object) => {tell: (data: Object) => void, remove: () => void}} make
 *   `component` is what Streamlit gives: by its setTriggerValue and setStateValue it can tell Python something
 */
export function mounting(selector, make) {
  const mounted = new WeakMap();
  return (component) => {
    const { data, parentElement } = component;
    const host = parentElement.querySelector(selector);
    if (!mounted.has(host)) mounted.set(host, make(host, data, component));
    mounted.get(host).tell(data);
    // Streamlit also calls this when a newer update overtook this one: the component then stands, and stays.
    return () => host.isConnected || (mounted.get(host)?.remove(), mounted.delete(host));
  };
}

/** The same for what lists `pictures` to retheme and to destroy: it is made anew where it is told something else. */
export function picturing(selector, Kind) {
  return mounting(selector, (host, _, component) => {
    let [known, made] = [null, null];
    const remove = () => {
      made?.remove?.();
      for (const picture of made?.pictures ?? []) picture.destroy();
    };
    const tell = (data) => {
      const told = JSON.stringify(data);
      if (told === known) for (const picture of made.pictures) picture.retheme();
      else {
        remove();
        [known, made] = [told, new Kind(host, data, component)];
      }
    };
    return { tell, remove };
  });
}
