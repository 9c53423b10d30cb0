// Who was without a mask, and when: a picture, the time, the person. Beside a video each event is a
// button that shows its moment.
const video = () => document.querySelector('.st-key-video_result video');
const escaped = (text) => String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

function item(event, jumps) {
  const picture = event.picture
    ? `<img src="data:image/jpeg;base64,${event.picture}" alt="${escaped(event.alt)}">`
    : '<span class="none" aria-hidden="true"></span>';
  const inside = `${picture}<span class="words"><b>${escaped(event.time)}</b>` +
    `<span>${escaped(event.details)}</span></span>`;
  return `<li>${jumps ? `<button type="button" data-start="${event.start}">${inside}</button>`
    : `<div>${inside}</div>`}</li>`;
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector('.events');
  const markup = data.items.map((event) => item(event, data.jumps)).join('');
  // A live page says the same twice a second: who reads or points at the list is not disturbed.
  if (parentElement.shown !== markup) {
    parentElement.shown = markup;
    let list = root.querySelector('ul');
    if (!list) {
      root.innerHTML = '<ul role="list"></ul>';
      list = root.firstChild;
      if (!data.jumps) list.tabIndex = 0;  // so that the keyboard scrolls it
    }
    list.ariaLabel = data.words.list;
    list.innerHTML = markup;
  }
  const onClick = (event) => {
    const button = event.target.closest('button'), player = video();
    if (!button || !player) return;
    player.currentTime = Number(button.dataset.start);
    for (const each of root.querySelectorAll('button')) each.ariaPressed = each === button;
  };
  root.addEventListener('click', onClick);
  return () => root.removeEventListener('click', onClick);
}
