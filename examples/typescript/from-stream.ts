/**
 * Region changes from a gateway's stream into a table, each exactly once.
 *
 * The `id` of a message is a position: it is stored in the transaction of what was made of the event, and sent as
 * `Last-Event-ID` when the stream is opened again.
 */

import { setTimeout } from 'node:timers/promises'
import type { Event } from './events.ts'
import { Table } from './table.ts'

const URL = `${process.env['GEOFENCE'] ?? 'http://127.0.0.1:8080'}/v1/events?from=beginning`
const KEY = process.env['KEY'] ?? ''
const STREAM = 'stream'
const AGAIN_MS = 1000
const SILENT_MS = 40_000 // a sign of life comes each 15 s
const NEVER = new Set([400, 401, 403])

const table = new Table()
const ending = new AbortController()
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => ending.abort())

/** The fields of each message. */
async function* messages(body: AsyncIterable<string>): AsyncGenerator<Map<string, string>> {
  let [message, rest] = [new Map<string, string>(), '']
  for await (const chunk of body) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines)
      if (line === '') {
        yield message
        message = new Map()
      } else {
        const [name = '', value = ''] = line.split(/: ?(.*)/s)
        message.set(name, value)
      }
  }
}

function take(message: Map<string, string>): void {
  const [kind, data, position] = [message.get('event') ?? 'message', message.get('data'), message.get('id')]
  let line: string | undefined
  table.writing(() => {
    if (kind === 'message' && data) {
      const { type, id, dataschema = '', data: change } = JSON.parse(data) as Event
      line = table.take({ type, id, schema: dataschema, change })
    }
    if (position) table.storePosition(STREAM, position)
  })
  if (line) console.log(line)
  if (kind === 'gap') console.error(`events have expired: ${data}`) // what holds now: GET /v1/devices
}

async function follow(): Promise<void> {
  const last = table.position(STREAM)
  const headers = { Authorization: `Bearer ${KEY}`, ...(last && { 'Last-Event-ID': last }) }
  const silent = new AbortController()
  const heard = () => silent.abort(new Error('nothing was heard for 40 s'))
  let alarm = globalThis.setTimeout(heard, SILENT_MS)
  try {
    const answer = await fetch(URL, { headers, signal: AbortSignal.any([ending.signal, silent.signal]) })
    if (NEVER.has(answer.status)) {
      console.error(await answer.text())
      process.exit(1)
    }
    if (!answer.ok || !answer.body) throw new Error(`the gateway answered ${answer.status}`)
    const lively = answer.body.pipeThrough(new TextDecoderStream()).pipeThrough(
      new TransformStream<string, string>({ transform: (chunk, on) => (alarm.refresh(), on.enqueue(chunk)) })
    )
    for await (const message of messages(lively)) take(message)
  } finally {
    clearTimeout(alarm)
  }
}

while (!ending.signal.aborted) {
  await follow().catch((error: unknown) => ending.signal.aborted || console.error(String(error)))
  await setTimeout(AGAIN_MS, undefined, { signal: ending.signal }).catch(() => undefined)
}
