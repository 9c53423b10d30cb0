// Polygons on a picture, drawn with the mouse, a finger or the keyboard.
//
// Corners are fractions of the picture's width and height. Every change is sent to the page as the
// list of all polygons; the page answers with the zones that hold from then on.

const STEP = 0.02, SMALL_STEP = 0.005;  // of the picture, for one press of an arrow key
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
const LEAST_CORNERS = 3;
// Pixels of the screen between a corner and a click, or a finger, that means it.
const REACH = 12, REACH_OF_FINGERS = 22;

const clamped = (number) => Math.min(1, Math.max(0, Math.round(number * 1000) / 1000));

class Drawer {
  constructor(parent) {
    const find = (name) => parent.querySelector(name);
    [this.image, this.svg, this.say] = ['img', 'svg', '.say'].map(find);
    [this.finishButton, this.undoButton] = ['.finish', '.undo'].map(find);
    this.zones = [];
    this.draft = [];      // corners of the polygon that is being drawn
    this.pointer = null;  // where the next corner would be
    this.cursor = null;   // the same for the keyboard; null until an arrow key is pressed
    this.dragged = null;  // the corner that is being moved: [zone, corner]
    this.svg.addEventListener('click', (event) => this.click(event));
    this.svg.addEventListener('dblclick', () => this.finish());
    this.svg.addEventListener('pointerdown', (event) => this.grasp(event));
    this.svg.addEventListener('pointermove', (event) => this.move(event));
    this.svg.addEventListener('pointerup', () => this.release());
    this.svg.addEventListener('pointercancel', () => this.release());
    this.svg.addEventListener('keydown', (event) => this.key(event));
    this.svg.addEventListener('blur', () => this.leave());
    this.finishButton.addEventListener('click', () => this.finish());
    this.undoButton.addEventListener('click', () => this.undo());
    new ResizeObserver(() => this.draw()).observe(this.svg);
  }

  update(data, send) {
    this.data = data;
    this.send = send;
    if (this.image.src !== data.picture) this.image.src = data.picture;
    this.image.alt = data.words.picture;
    this.svg.setAttribute('viewBox', `0 0 ${data.width} ${data.height}`);
    this.svg.ariaLabel = data.words.help;
    this.finishButton.textContent = data.words.finish;
    this.undoButton.textContent = data.words.undo;
    if (!this.dragged) this.zones = data.zones.map(({points}) => points.map((point) => [...point]));
    this.draw();
  }

  place(event) {
    const box = this.svg.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
      .map(clamped);
  }

  click(event) {
    // The second click of a double one, and the end of a drag, set no corner.
    if (event.detail > 1 || this.moved) return;
    const [first] = this.draft;
    if (first && this.draft.length >= LEAST_CORNERS && this.near(first, event)) this.finish();
    else this.add(this.place(event));
  }

  // By distance, not by the event's target: shapes are drawn anew whenever the pointer moves.
  near([x, y], event) {
    const box = this.svg.getBoundingClientRect();
    const away = [event.clientX - box.left - x * box.width, event.clientY - box.top - y * box.height];
    return Math.hypot(...away) <= (event.pointerType === 'touch' ? REACH_OF_FINGERS : REACH);
  }

  add(point) {
    this.draft.push(point);
    this.draw();
  }

  undo() {
    this.draft.pop();
    this.draw();
    if (!this.draft.length) this.svg.focus();
  }

  finish() {
    if (this.draft.length < LEAST_CORNERS) return;
    this.zones.push(this.draft);
    this.draft = [];
    this.changed();
  }

  changed() {
    this.draw();
    this.send(this.zones);
  }

  grasp(event) {
    this.moved = false;
    if (this.draft.length) return;
    for (const [zone, points] of this.zones.entries()) {
      const corner = points.findIndex((point) => this.near(point, event));
      if (corner >= 0) this.dragged = [zone, corner];
    }
    if (this.dragged) this.svg.setPointerCapture(event.pointerId);
  }

  move(event) {
    this.pointer = this.place(event);
    this.cursor = null;
    if (this.dragged) {
      const [zone, corner] = this.dragged;
      this.zones[zone][corner] = this.pointer;
      this.moved = true;
    }
    if (this.dragged || this.draft.length) this.draw();
  }

  release() {
    if (!this.dragged) return;
    this.dragged = null;
    if (this.moved) this.changed();
    else this.moved = true;  // a click on a corner sets none
  }

  key(event) {
    const arrow = ARROWS[event.key];
    if (arrow) {
      const step = event.shiftKey ? SMALL_STEP : STEP;
      const from = this.cursor ?? [0.5, 0.5];
      this.cursor = this.pointer = from.map((place, axis) => clamped(place + step * arrow[axis]));
      this.draw();
    } else if (event.key === ' ') {
      this.add(this.cursor ??= this.pointer = [0.5, 0.5]);
    } else if (event.key === 'Enter') {
      this.finish();
    } else if (event.key === 'Backspace') {
      this.undo();
    } else if (event.key === 'Escape' && this.draft.length) {
      this.draft = [];
      this.draw();
    } else {
      return;
    }
    event.preventDefault();
  }

  leave() {
    this.cursor = null;
    this.draw();
  }

  draw() {
    const {width, height} = this.data ?? {};
    const shown = this.svg.clientWidth;
    if (!width || !shown) return;
    this.pixel = width / shown;  // one pixel of the screen in the picture's
    this.scale = ([x, y]) => [x * width, y * height];
    const shapes = this.zones.flatMap((points, zone) => [
      this.line('polygon', points, 'zone'),
      ...points.map((point) => this.handle(point, 'corner')),
      this.name(this.data.zones[zone]?.name ?? '', points),
    ]);
    if (this.draft.length) {
      const next = this.pointer ? [this.pointer] : [];
      shapes.push(this.line('polyline', [...this.draft, ...next], 'draft'));
      shapes.push(...this.draft.map((point, i) => this.handle(point, i ? 'corner' : 'first')));
    }
    if (this.cursor) shapes.push(...this.cross(this.cursor));
    this.svg.replaceChildren(...shapes);
    this.undoButton.hidden = !this.draft.length;
    this.finishButton.hidden = this.draft.length < LEAST_CORNERS;
    const words = this.draft.length ? this.data.words.drawing : this.data.words.help;
    const text = words.replace('{count}', this.draft.length);
    if (this.say.textContent !== text) this.say.textContent = text;
  }

  shape(kind, attributes) {
    const shape = document.createElementNS('http://www.w3.org/2000/svg', kind);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    return shape;
  }

  line(kind, points, name) {
    const corners = points.map((point) => this.scale(point).join()).join(' ');
    return this.shape(kind, {points: corners, class: name, 'stroke-width': 2 * this.pixel});
  }

  handle(point, name) {
    const [cx, cy] = this.scale(point);
    const r = (name === 'first' ? 8 : 6) * this.pixel;
    return this.shape('circle', {cx, cy, r, class: name, 'stroke-width': 2 * this.pixel});
  }

  name(text, points) {
    const [x, y] = this.scale(points.reduce((sum, point) => sum.map((s, i) => s + point[i]), [0, 0])
      .map((sum) => sum / points.length));
    const label = this.shape('text', {x, y, 'font-size': 15 * this.pixel});
    label.textContent = text;
    return label;
  }

  cross([x, y]) {
    return [[[x, 0], [x, 1]], [[0, y], [1, y]]].map((ends) => this.line('polyline', ends, 'cross'));
  }
}

const drawers = new WeakMap();

export default function ({data, parentElement, setTriggerValue}) {
  if (!drawers.has(parentElement)) drawers.set(parentElement, new Drawer(parentElement));
  drawers.get(parentElement).update(data, (zones) => setTriggerValue('zones', zones));
}
