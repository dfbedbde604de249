// Keeps the page as it is now. lictor sends elements that have changed, as trees; they are put into the document by their
// keys. Text stays text: nothing here makes markup of anything.
"use strict";

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const known = new Map();
  const titled = new WeakMap();
  const live = () => document.getElementById("live");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let lost = 0;

  const key = (node) => (node.nodeType === 1 ? node.getAttribute("data-key") : null);

  const learn = (root) => {
    for (const element of root.querySelectorAll("[data-key]")) known.set(key(element), element);
    if (key(root) !== null) known.set(key(root), root);
  };

  // How long ago a moment was; by the second only while that says something.
  const ago = (time) => {
    const at = Date.parse(time.dateTime);
    if (Number.isNaN(at)) return;
    const date = new Date(at);
    const text = (number, unit) => `${number} ${unit} ago`;
    const seconds = Math.round((Date.now() - at) / 1000);
    let words;
    if (time.dataset.form === "clock") words = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    else if (time.dataset.form === "since" && seconds < 86400) words = date.toLocaleTimeString([], { hourCycle: "h23" });
    else if (time.dataset.form === "since") words = date.toLocaleString([], { hourCycle: "h23" });
    else if (seconds < -1) words = `in ${-seconds} s`;
    else if (seconds < 60) words = text(Math.max(seconds, 0), "s");
    else if (seconds < 3600) words = text(Math.floor(seconds / 60), "min");
    else if (seconds < 86400) words = text(Math.floor(seconds / 3600), "h");
    else words = text(Math.floor(seconds / 86400), "d");
    if (time.textContent !== words) time.textContent = words;
    if (titled.get(time) !== at) {
      titled.set(time, at);
      time.title = date.toLocaleString();
    }
  };
  const tell = (root) => {
    for (const time of root.querySelectorAll("time")) ago(time);
  };

  const make = (tag, parent) => {
    const inside = parent.namespaceURI === SVG && parent.localName !== "foreignObject";
    return tag === "svg" || inside ? document.createElementNS(SVG, tag) : document.createElement(tag);
  };

  const dress = (element, wanted) => {
    const names = new Set();
    for (const name in wanted) {
      const own = name === "k" ? "data-key" : name;
      names.add(own);
      if (element.getAttribute(own) !== wanted[name]) element.setAttribute(own, wanted[name]);
    }
    if (element.localName === "time") names.add("title");
    for (const name of element.getAttributeNames()) if (!names.has(name)) element.removeAttribute(name);
  };

  // Makes the element what the tree says. What has a key is found again wherever it was; the rest by its place.
  const put = (element, [, wanted, ...children]) => {
    dress(element, wanted);
    // Its words are ours, made of its attribute.
    if (element.localName === "time") {
      if (element.firstChild === null) element.textContent = children[0];
      ago(element);
      return;
    }
    if (element.id === "live") return;
    let next = element.firstChild;
    for (const child of children) {
      let node;
      if (typeof child === "string") {
        if (next !== null && next.nodeType === 3) {
          node = next;
          if (node.data !== child) node.data = child;
        } else node = document.createTextNode(child);
      } else {
        const [tag, attributes] = child;
        const name = attributes.k;
        if (name !== undefined) {
          node = known.get(name);
          if (node === undefined || node.localName !== tag) known.set(name, (node = make(tag, element)));
        } else if (next !== null && next.nodeType === 1 && next.localName === tag && key(next) === null) node = next;
        else node = make(tag, element);
      }
      if (node === next) next = next.nextSibling;
      else element.insertBefore(node, next);
      if (typeof child !== "string") put(node, child);
    }
    while (next !== null) {
      const after = next.nextSibling;
      next.remove();
      next = after;
    }
  };

  // What has moved is seen to move.
  const places = () => {
    const found = new Map();
    if (still.matches || document.hidden) return found;
    const movers = document.querySelectorAll("[data-moves]");
    if (movers.length <= 300) for (const mover of movers) found.set(mover, mover.getBoundingClientRect());
    return found;
  };
  const move = (before) => {
    for (const [mover, from] of before) {
      if (!mover.isConnected) continue;
      const to = mover.getBoundingClientRect();
      const [x, y] = [from.left - to.left, from.top - to.top];
      if (x === 0 && y === 0) continue;
      mover.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], { duration: 450, easing: "cubic-bezier(.2,.7,.2,1)" });
    }
  };

  const say = (text, isLost) => {
    const line = live();
    if (line === null) return;
    if (line.textContent !== text) line.textContent = text;
    line.classList.toggle("lost", isLost);
  };

  const take = ({ t, p }) => {
    const before = places();
    for (const tree of p) {
      const element = known.get(tree[1].k);
      if (element === undefined) return false;
      put(element, tree);
    }
    for (const [name, element] of known) if (!element.isConnected) known.delete(name);
    if (document.title !== t) document.title = t;
    move(before);
    return true;
  };

  const address = new URL(location.href);
  address.hash = "";
  address.search = address.search === "" ? "?live" : `${address.search}&live`;
  let stream;
  const follow = () => {
    stream = new EventSource(address);
    stream.onmessage = (message) => {
      lost = 0;
      // What is not ours to patch is asked for anew, as a whole.
      if (take(JSON.parse(message.data))) say("Live.", false);
      else {
        stream.close();
        follow();
      }
    };
    stream.onerror = () => {
      if (lost === 0) lost = Date.now();
      const since = new Date(lost).toLocaleTimeString();
      say(`The connection to lictor is lost since ${since}; what you see was true then.`, true);
      if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 2000);
    };
  };

  document.documentElement.classList.add("scripted");
  learn(document.body);
  tell(document.body);
  setInterval(() => tell(document.body), 1000);
  follow();
  // A browser has few connections to one server: nobody looks at a tab that is hidden.
  document.addEventListener("visibilitychange", () => {
    stream.close();
    if (!document.hidden) follow();
  });
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (event) => event.persisted && follow());
})();
