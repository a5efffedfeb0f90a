// Runs before the first paint: a theme chosen earlier must not flash the other one first.
try {
  const saved = localStorage.getItem("theme");
  if (saved === "light" || saved === "dark") document.documentElement.dataset.theme = saved;
} catch {
  // Storage may be forbidden; the system's preference holds then.
}
