// The WebSocket is where this page is.
const address = new URL(location.pathname, location.href);
address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
for (const place of document.querySelectorAll("[data-address]")) {
  place.textContent = address.href;
}
