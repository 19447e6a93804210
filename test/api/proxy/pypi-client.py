# The official Python SDK, unmodified, against the running product: chat, stream, embeddings, models. Prints what it understood.
import json
import sys

from openai import OpenAI

client = OpenAI(api_key=sys.argv[2], base_url=f"{sys.argv[1]}/v1")
hello = [{"role": "user", "content": "Tell me about tolls."}]

plain = client.chat.completions.with_raw_response.create(model="demo-chat", messages=hello)
answer = plain.parse()
finish_reasons = []
streamed = 0
options = {"include_usage": True}
for chunk in client.chat.completions.create(model="demo-chat", messages=hello, stream=True, stream_options=options):
    if chunk.choices and chunk.choices[0].finish_reason:
        finish_reasons.append(chunk.choices[0].finish_reason)
    if chunk.usage:
        streamed = chunk.usage.completion_tokens
embeddings = client.embeddings.create(model="demo-embed", input=["one", "two"])

print(
    json.dumps(
        {
            "requestId": plain.headers["x-request-id"],
            "said": bool(answer.choices[0].message.content),
            "finishReasons": finish_reasons,
            "streamedTokens": streamed,
            "embeddings": len(embeddings.data),
            "models": [model.id for model in client.models.list()],
        }
    )
)
