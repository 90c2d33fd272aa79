/**
 * Region changes that a webhook delivers, into a table: each once, though it may be delivered again.
 *
 * Answered with 204 once the event is in the database. No position is kept: whoever sends knows what was taken.
 */

import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { Event } from './events.ts'
import { Table } from './table.ts'

const SECRET = Buffer.from((process.env['SECRET'] ?? '').replace(/^whsec_/, ''), 'base64')
const PORT = Number(process.env['PORT'] ?? 8081)
const OLD_S = 300
const MOST_BYTES = 1_000_000

/** Whether a delivery is signed with the secret, and not an old one that somebody sends again. */
function isOurs(headers: IncomingHttpHeaders, body: Buffer): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': sent, 'webhook-signature': given } = headers
  if (Math.abs(Date.now() / 1000 - Number(sent)) > OLD_S || !/^\d+$/.test(String(sent))) return false
  const wanted = createHmac('sha256', SECRET).update(`${id}.${sent}.`).update(body).digest()
  return String(given).split(' ').some(one => {
    const signature = Buffer.from(one.replace(/^v1,/, ''), 'base64')
    return signature.length === wanted.length && timingSafeEqual(signature, wanted)
  })
}

/** The status to answer with. */
function receive(headers: IncomingHttpHeaders, body: Buffer): number {
  if (!isOurs(headers, body)) return 401
  const { type, id, dataschema = '', data: change } = JSON.parse(String(body)) as Event
  let line: string | undefined
  table.writing(() => {
    line = table.take({ type, id, schema: dataschema, change })
  })
  if (line) console.log(line)
  return 204
}

if (SECRET.length === 0) throw new Error('SECRET is the secret that making the webhook has answered: whsec_...')
const table = new Table()
const server = createServer(async (request, answer) => {
  try {
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of request as AsyncIterable<Buffer>) {
      if ((size += chunk.length) > MOST_BYTES) return void answer.writeHead(413, { Connection: 'close' }).end()
      chunks.push(chunk)
    }
    answer.writeHead(receive(request.headers, Buffer.concat(chunks))).end()
  } catch (error) {
    console.error(String(error))
    answer.writeHead(500).end() // it is sent again
  }
})
server.listen(PORT, () => console.log(`listening at ${PORT}`))
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => server.close())
