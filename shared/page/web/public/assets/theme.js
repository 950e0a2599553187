// Sets the theme that was chosen before anything is painted.
try {
  const theme = localStorage.getItem("nightferry.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the system's theme holds.
}
