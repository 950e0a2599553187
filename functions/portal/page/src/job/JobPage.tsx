/** One job: watched while it runs, with what it brought. */
export default function JobPage({ id }: { id: string }) {
  return <h1>Job {id}</h1>;
}
