"""Lets LocalStack run Lambda functions and DynamoDB on a machine without Docker.

- `plugins`: what LocalStack looks up by name: the executor `native` for functions of the runtime `provided.*`.
- `executor`: one execution environment: a child process, reused from invocation to invocation.
- `process`: that child: its start, its output, its end.
- `runtime_api`: the HTTP interface through which it takes invocations and answers.
- `invocation`: an invocation under way, its outcome, and what AWS calls each failure.
- `report`: the lines that AWS adds to a function's log.
- `queue_mapping`: batches of a queue side by side.
- `dynamodb`: moto as DynamoDB.

It runs code as the user that runs LocalStack, unconfined: no limit of memory, no sandbox, no VPC. Only run your own.
"""
