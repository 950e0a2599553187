/**
 * The single conditions of a text, in the order in which a receipt counts them: separated by `;`, without comments.
 * A `;` within quotes or a comment separates nothing.
 */
export function conditionsOf(text: string): string[] {
  const found: string[] = [];
  let current = "";
  // Quoted text (a backslash hides what follows it), a comment to the line's end, a separator, or any other character.
  const token = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|--[^\n]*|\/\*[\s\S]*?\*\/|;|[\s\S]/g;
  for (const [part] of text.matchAll(token)) {
    if (part === ";") {
      found.push(current);
      current = "";
    } else {
      current += part.startsWith("--") || part.startsWith("/*") ? " " : part;
    }
  }
  found.push(current);
  return found.map((one) => one.replace(/\s+/g, " ").trim()).filter(Boolean);
}
