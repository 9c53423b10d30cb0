// People by label over a video's time, stacked. Each label has a colour and a pattern; the line
// below names the numbers at the moment that is shown or pointed at. A click, or the arrow keys,
// shows the moment in the video.
const LEFT = 34, RIGHT = 8, TOP = 8, HEIGHT = 132, AXIS = 22, LANE = 18;
const ARROW_S = 1;

const PATTERNS = [
  '<path d="M-2 10 L10 -2 M6 18 L18 6" stroke="white" stroke-width="2.4"/>',
  '',
  '<circle cx="4" cy="4" r="1.7" fill="black"/><circle cx="12" cy="12" r="1.7" fill="black"/>',
  '<path d="M0 4 H16 M0 12 H16" stroke="black" stroke-width="1.6"/>',
  '<path d="M4 0 V16 M12 0 V16" stroke="white" stroke-width="1.6"/>',
];

const video = () => document.querySelector('.st-key-video_result video');
const escaped = (text) => String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

function clock(seconds) {
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [whole / 3600, (whole / 60) % 60, whole % 60].map(Math.floor);
  const two = (number) => String(number).padStart(2, '0');
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

// The largest of the pleasant steps that gives at least one mark for every `room` pixels.
function tickStep(seconds, width, room = 80) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
  return steps.find((step) => seconds / step <= Math.max(2, width / room)) ?? 7200;
}

function patterns(layers, id) {
  return '<defs>' + layers.map((layer, n) =>
    `<pattern id="${id}${n}" width="16" height="16" patternUnits="userSpaceOnUse">` +
    `<rect width="16" height="16" fill="${layer.colour}"/>` +
    `${PATTERNS[layer.pattern]}</pattern>`).join('') + '</defs>';
}

function legend(layers, id) {
  return '<div class="legend" aria-hidden="true">' + layers.map((layer, n) =>
    `<span><svg width="26" height="16"><rect width="26" height="16" fill="url(#${id}${n})"/></svg>` +
    `${escaped(layer.mark)} ${escaped(layer.name)}</span>`).join('') + '</div>';
}

// Each event in the first row where it covers no earlier one; a label needs 24 pixels.
function lanes(events, x) {
  const ends = [];
  return events.map(([track, start, end]) => {
    const left = x(start), right = Math.max(x(end), left + 26);
    let row = ends.findIndex((taken) => taken + 2 <= left);
    if (row < 0) row = ends.length;
    ends[row] = right;
    return { track, start, left, width: right - left, row };
  });
}

function areas(data, x, y, id) {
  const base = data.times.map(() => 0);
  return data.layers.map((layer, n) => {
    let upper = '', lower = '';
    data.times.forEach((time, i) => {
      const left = x(time), right = x(data.times[i + 1] ?? data.seconds);
      upper += `L${left} ${y(base[i] + layer.counts[i])} H${right} `;
      lower = `L${right} ${y(base[i])} H${left} ` + lower;
      base[i] += layer.counts[i];
    });
    return `<path d="M${(upper + lower).slice(1)}Z" fill="url(#${id}${n})"/>`;
  }).join('');
}

function picture(data, width, id) {
  const totals = data.times.map((_, i) => data.layers.reduce((sum, l) => sum + l.counts[i], 0));
  const most = Math.max(1, ...totals), each = Math.ceil(most / 4);
  const x = (s) => LEFT + (Math.min(s, data.seconds) / (data.seconds || 1)) * (width - LEFT - RIGHT);
  const y = (people) => TOP + HEIGHT * (1 - people / (Math.ceil(most / each) * each));
  const events = lanes(data.events, x);
  const rows = Math.max(0, ...events.map((event) => event.row + 1));
  const bottom = TOP + HEIGHT;
  let grid = '';
  for (let people = each; people <= Math.ceil(most / each) * each; people += each) {
    grid += `<line class="grid" x1="${LEFT}" x2="${width - RIGHT}" y1="${y(people)}" y2="${y(people)}"/>` +
      `<text x="${LEFT - 7}" y="${y(people) + 4}" text-anchor="end">${people}</text>`;
  }
  const step = tickStep(data.seconds, width - LEFT - RIGHT);
  for (let second = 0; second <= data.seconds; second += step) {
    const anchor = x(second) > width - 24 ? 'end' : second ? 'middle' : 'start';
    grid += `<line class="axis" x1="${x(second)}" x2="${x(second)}" y1="${bottom}" y2="${bottom + 4}"/>` +
      `<text x="${x(second)}" y="${bottom + 17}" text-anchor="${anchor}">${clock(second)}</text>`;
  }
  const marks = events.map((event) => {
    const top = bottom + AXIS + event.row * LANE;
    return `<g class="event" data-start="${event.start}">` +
      `<rect x="${event.left}" y="${top}" width="${event.width}" height="${LANE - 3}" rx="3" fill="#b3261e"/>` +
      `<text x="${event.left + 6}" y="${top + 12}">#${event.track}</text></g>`;
  }).join('');
  const height = bottom + AXIS + rows * LANE + 2;
  const line = (name) => `<line class="${name}" y1="0" y2="${height}" visibility="hidden"/>`;
  return { x, markup: `<svg class="plot" tabindex="0" role="slider" height="${height}"
    aria-label="${escaped(data.words.slider)}" aria-valuemin="0" aria-valuemax="${data.seconds}">
    ${patterns(data.layers, id)}${areas(data, x, y, id)}${grid}
    <line class="axis" x1="${LEFT}" x2="${width - RIGHT}" y1="${bottom}" y2="${bottom}"/>
    ${marks}${line('pointer')}${line('playhead')}</svg>` };
}

function at(data, seconds) {
  let index = 0;
  while (index + 1 < data.times.length && data.times[index + 1] <= seconds) index += 1;
  const there = data.layers.filter((layer) => layer.counts[index]);
  return there.map((layer) => [layer, layer.counts[index]]);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector('.timeline');
  const id = `pattern${Math.random().toString(36).slice(2)}`;
  let x = null, width = 0, pointed = null;

  const say = () => {
    const now = video()?.currentTime ?? 0;
    const shown = pointed ?? now;
    const people = at(data, shown);
    const words = people.map(([layer, n]) => `${layer.mark} ${n} ${layer.name}`);
    root.querySelector('.moment').innerHTML = [clock(shown), ...(words.length ? words : [data.words.nobody])]
      .map((text, n) => `<span>${n ? escaped(text) : `<b>${text}</b>`}</span>`).join('');
    const plot = root.querySelector('.plot');
    plot.setAttribute('aria-valuenow', now.toFixed(1));
    plot.setAttribute('aria-valuetext', `${clock(now)}: ` +
      (at(data, now).map(([layer, n]) => `${n} ${layer.name}`).join(', ') || data.words.nobody));
    for (const [name, seconds] of [['.playhead', now], ['.pointer', pointed]]) {
      const line = root.querySelector(name);
      line.setAttribute('visibility', seconds === null ? 'hidden' : 'visible');
      if (seconds !== null) ['x1', 'x2'].forEach((side) => line.setAttribute(side, x(seconds)));
    }
  };
  const draw = () => {
    const focused = root.contains(parentElement.activeElement ?? document.activeElement);
    const drawn = picture(data, width, id);
    x = drawn.x;
    root.innerHTML = `${legend(data.layers, id)}${drawn.markup}<div class="moment" aria-hidden="true"></div>`;
    if (focused) root.querySelector('.plot').focus();
    say();
  };
  const show = (seconds) => {
    const player = video();
    if (player) player.currentTime = Math.max(0, Math.min(seconds, data.seconds));
  };
  const secondsAt = (event) => {
    const left = root.querySelector('.plot').getBoundingClientRect().left;
    const share = (event.clientX - left - LEFT) / (width - LEFT - RIGHT);
    return Math.max(0, Math.min(1, share)) * data.seconds;
  };
  const onClick = (event) => {
    const start = event.target.closest('.event')?.dataset.start;
    if (event.target.closest('.plot')) show(start === undefined ? secondsAt(event) : Number(start));
  };
  const onMove = (event) => {
    pointed = event.pointerType === 'mouse' && event.target.closest('.plot') ? secondsAt(event) : null;
    say();
  };
  const onLeave = () => { pointed = null; say(); };
  const onKey = (event) => {
    const now = video()?.currentTime ?? 0;
    const to = { ArrowLeft: now - ARROW_S, ArrowRight: now + ARROW_S, ArrowDown: now - ARROW_S,
                 ArrowUp: now + ARROW_S, Home: 0, End: data.seconds }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    show(to);
  };

  const size = new ResizeObserver(() => {
    if (Math.floor(root.clientWidth) === width || !root.clientWidth) return;
    width = Math.floor(root.clientWidth);
    draw();
  });
  size.observe(root);
  // The video moves by itself: a quarter of a second is how often browsers say so anyway.
  let last = -1;
  const timer = setInterval(() => {
    const now = video()?.currentTime ?? 0;
    if (width && now !== last) { last = now; say(); }
  }, 100);
  for (const [name, listener] of [['click', onClick], ['pointermove', onMove],
                                  ['pointerleave', onLeave], ['keydown', onKey]]) {
    root.addEventListener(name, listener);
  }
  return () => {
    clearInterval(timer);
    size.disconnect();
    for (const [name, listener] of [['click', onClick], ['pointermove', onMove],
                                    ['pointerleave', onLeave], ['keydown', onKey]]) {
      root.removeEventListener(name, listener);
    }
  };
}
