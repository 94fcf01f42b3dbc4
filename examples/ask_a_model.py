"""An SDK whose calls survive failures, because the HTTP client inside it is ours."""

import openai

from client.httpx2 import Client


def ask(question: str) -> str:
    """Put a question to a model; key and address are in `OPENAI_API_KEY`, `OPENAI_BASE_URL`."""
    with Client(timeout=30, max_retries=4, max_total_time=60) as http:
        # Ours retries; with its own retries on top, attempts would multiply.
        assistant = openai.OpenAI(http_client=http, max_retries=0)
        answer = assistant.chat.completions.create(
            model="gpt-5", messages=[{"role": "user", "content": question}]
        )
    return answer.choices[0].message.content or ""


if __name__ == "__main__":
    print(ask("What is a circuit breaker, in one sentence?"))
