// A list that was chosen from tells the store it belongs to: "queue-choice" sets "queue".
document.addEventListener("change", (event) => {
  const { id, tagName, value } = event.target;
  if (tagName === "SELECT" && id.endsWith("-choice")) {
    window.dash_clientside.set_props(id.slice(0, -"-choice".length), { data: value });
  }
});
