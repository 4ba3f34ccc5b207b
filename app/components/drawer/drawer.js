export default function mount({ data, parentElement }) {
  parentElement.querySelector(".bcl-drawer").textContent = data.name;
}
