// node examples/upload-server.mjs: POST a picture, get its objects as JSON:
//   curl --data-binary @examples/photos/cat.jpg http://localhost:8090/
import { createServer } from 'node:http'
import { loadDetector } from 'vertebra'

const LARGEST_UPLOAD = 20e6
/** What the caller did wrong, by the error's code; anything else is ours. */
const STATUS = { IMAGE_UNREADABLE: 415, IMAGE_TOO_LARGE: 413, INVALID_ARGUMENT: 400 }

// In a thread of its own: while the network computes, this one answers.
const detector = await loadDetector(process.env.MODEL ?? 'resnet101-voc', { worker: true })

async function detect(request, signal) {
  const minScore = Number(new URL(request.url, 'http://localhost').searchParams.get('minScore') ?? 0.5)
  const { width, height, detections } = await detector.detect(await bodyOf(request), { minScore, signal })
  return { width, height, detections }
}

async function bodyOf(request) {
  const chunks = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > LARGEST_UPLOAD) {
      throw Object.assign(new Error(`Expected at most ${LARGEST_UPLOAD} bytes.`), { code: 'IMAGE_TOO_LARGE' })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const server = createServer(async (request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
  }
  if (request.method !== 'POST') return answer(405, { error: 'POST a picture.' })
  // Who hangs up is not computed for.
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    answer(200, await detect(request, gone.signal))
  } catch (error) {
    if (!response.destroyed) answer(STATUS[error.code] ?? 500, { error: error.message })
  }
})
server.listen(Number(process.env.PORT ?? 8090), () =>
  console.log(`POST pictures to http://localhost:${server.address().port}/`),
)

process.once('SIGINT', async () => {
  server.close()
  server.closeIdleConnections()
  await detector.dispose()
})
