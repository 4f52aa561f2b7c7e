// What the pages do beyond their forms. All of them work without it.

// Copy: a button that names what it copies is shown only here.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  const name = button.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = name; }, 2000);
  });
}

// Confirm: the second click on the same button does it, within five seconds.
for (const form of document.querySelectorAll("form[data-confirm]")) {
  let sure = null;
  let ask = () => {};
  form.addEventListener("submit", (event) => {
    const button = event.submitter || form.querySelector("button");
    if (sure === button) return;
    event.preventDefault();
    ask();
    const name = button.innerHTML;
    button.textContent = form.dataset.confirm;
    sure = button;
    const timer = setTimeout(() => ask(), 5000);
    ask = () => {
      clearTimeout(timer);
      sure = null;
      button.innerHTML = name;
      ask = () => {};
    };
  });
}

// On a narrow screen the navigation scrolls: where one is comes into sight.
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// Once: a form is sent once, however often the button is clicked.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// Go on: a form that goes on with something long is sent by itself.
document.querySelector("form[data-go]")?.requestSubmit();

// Live: the page is loaded again when the state differs from the one that it shows. It is told by the server, or asks if it can't be.
// A page on which somebody is filling something in, or that shows a secret, is left alone; then a line says that there is news.
const live = document.querySelector("[data-live]");
if (live) {
  // When somebody last went on to another page. To load this one again would stop that, and what is on its way may hold a secret.
  let left = -Infinity;
  addEventListener("beforeunload", () => { left = performance.now(); });
  const news = (state) => {
    if (state === live.dataset.state) return;
    if (performance.now() - left < 10000) {
      setTimeout(news, 10000, state);
      return;
    }
    const field = document.activeElement;
    if (document.querySelector("[data-secret]") || field && /INPUT|SELECT|TEXTAREA/.test(field.tagName)) {
      const line = live.querySelector("[data-news]");
      if (line) line.hidden = false;
      return;
    }
    location.reload();
  };
  const ask = () => setInterval(async () => {
    try {
      const answer = await fetch(live.dataset.live, { headers: { Accept: "application/json" } });
      if (answer.ok) news((await answer.json()).state);
    } catch { /* the next one may succeed */ }
  }, 5000);
  if (window.EventSource) {
    const source = new EventSource(live.dataset.live);
    source.onmessage = (event) => news(event.data);
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) ask();
    };
    addEventListener("pagehide", () => source.close());
  } else {
    ask();
  }
}
