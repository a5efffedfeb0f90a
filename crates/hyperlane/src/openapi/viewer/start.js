// A file of its own, so that the page needs no inline script, which its Content-Security-Policy forbids.
SwaggerUIBundle({
  url: document.currentScript.dataset.document,
  dom_id: "#viewer",
  deepLinking: true,
  validatorUrl: null,
  onComplete: () => {
    document.title = document.querySelector(".info .title")?.firstChild?.textContent ?? document.title;
  },
});
