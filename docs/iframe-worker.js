// Search on pages that are opened from the disk: browsers start no worker from file://, so the
// theme's worker runs in a frame that nobody sees. It knows what the search needs, messages of plain
// data, and does nothing where the site is served.

class IFrameWorker extends EventTarget {
  constructor(url) {
    super();
    const frame = document.createElement("iframe");
    frame.hidden = true;
    frame.srcdoc = "<!doctype html><title>search</title>";
    this.inside = new Promise((resolve) => {
      frame.addEventListener("load", () => {
        const inside = frame.contentWindow;
        inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
        const script = frame.contentDocument.createElement("script");
        script.addEventListener("load", () => resolve(inside));
        script.src = url;
        frame.contentDocument.body.append(script);
      }, { once: true });
    });
    document.body.append(frame);
  }

  postMessage(data) {
    this.inside.then((inside) => inside.dispatchEvent(new MessageEvent("message", { data })));
  }
}

if (location.protocol === "file:") {
  window.IFrameWorker = IFrameWorker; // the theme's worker looks for it
  window.Worker = IFrameWorker;
}
