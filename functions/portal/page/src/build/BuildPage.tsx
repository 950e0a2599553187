/** Builds a query and shows what it would bring. */
export default function BuildPage() {
  return <h1>Build</h1>;
}
