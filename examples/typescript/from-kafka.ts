/**
 * Region changes from Kafka into a table, each exactly once; at the first start `presence` says who is where.
 *
 * Kafka's group only shares out the partitions; positions are in the database, in the transaction of what was made of
 * the records. So it does not matter when this program dies, nor whether another instance still holds the same
 * partition.
 */

import { randomUUID } from 'node:crypto'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import kafkajs from 'kafkajs'
import type { Batch, KafkaMessage } from 'kafkajs'
import type { Presence, RegionChange } from './events.ts'
import { Table } from './table.ts'

const CHANGES = 'region-changes'
const PRESENCE = 'presence'
const GROUP = process.env['GROUP'] ?? 'whereabouts'
const OVERLAP_MS = 300_000

// geofence compresses with zstd, which this client leaves to us.
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
  compress: async ({ buffer }: { buffer: Buffer }) => zstdCompressSync(buffer),
  decompress: async (buffer: Buffer) => zstdDecompressSync(buffer)
})

const kafka = new kafkajs.Kafka({
  clientId: GROUP,
  brokers: (process.env['KAFKA'] ?? '127.0.0.1:9092').split(','),
  logLevel: kafkajs.logLevel.ERROR
})
const table = new Table()

type Offsets = Map<string, string>
const place = (topic: string, partition: number) => `${topic}-${partition}`
const beyond = (one: string, other: string) => BigInt(one) > BigInt(other)

/** Have a position for every partition: those that are stored, or else begin from `presence`. */
async function begin(): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const offsets = async (topic: string) => (await admin.fetchTopicOffsets(topic)).map(one => ({ topic, ...one }))
    const every = [...(await offsets(CHANGES)), ...(await offsets(PRESENCE))]
    const known = every.map(one => table.position(place(one.topic, one.partition)))
    const holds = (position: string | undefined, low: string, high: string) =>
      position !== undefined && !beyond(low, position) && !beyond(position, high)
    // None has expired, and none is of topics that were there before these.
    if (every.every(({ low, high }, at) => holds(known[at], low, high))) return
    // First where to go on, then who is where: nothing can be missed between the two. Five minutes are told again,
    // as a commit of both topics becomes visible in one a moment before the other.
    const starts: Offsets = new Map()
    for (const topic of [CHANGES, PRESENCE])
      for (const one of await admin.fetchTopicOffsetsByTimestamp(topic, Date.now() - OVERLAP_MS))
        starts.set(place(topic, one.partition), one.offset)
    const ends = await admin.fetchTopicOffsets(PRESENCE)
    const present = await everyone(ends.filter(one => beyond(one.high, one.low)))
    table.writing(() => {
      const now = every.map(one => table.position(place(one.topic, one.partition)))
      if (now.some((position, at) => position !== known[at])) return // another instance was faster
      table.storePresence(present.values())
      for (const [where, next] of starts) table.storePosition(where, next)
      console.log(`begun from presence: ${present.size} devices`)
    })
  } finally {
    await admin.disconnect()
  }
}

/** The newest presence of each device that has one, read up to `ends`. */
async function everyone(ends: { partition: number; high: string }[]): Promise<Map<string, Presence>> {
  const present = new Map<string, Presence>()
  const unread = new Map(ends.map(one => [one.partition, BigInt(one.high)]))
  if (unread.size === 0) return present
  const groupId = `${GROUP}-presence-${randomUUID()}` // a group of its own, which has all partitions
  const consumer = kafka.consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topic: PRESENCE, fromBeginning: true })
  const read = Promise.withResolvers<void>()
  consumer.on(consumer.events.CRASH, ({ payload }) => read.reject(payload.error))
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
    if (BigInt(lastOffset) + 1n >= (unread.get(partition) ?? 0n)) unread.delete(partition)
    if (unread.size === 0) read.resolve()
  })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message: { key, value } }) => {
      if (value === null) present.delete(String(key)) // a tombstone: erased, or forgotten
      else present.set(String(key), JSON.parse(String(value)) as Presence)
    }
  })
  await read.promise.finally(() => consumer.disconnect())
  return present
}

/** What one partition has brought, in one transaction. Records behind the stored position were taken by another. */
function take(batch: Batch): void {
  const { topic, partition, messages } = batch
  const lines: (string | undefined)[] = []
  table.writing(() => {
    const stored = table.position(place(topic, partition)) ?? '0'
    for (const message of messages.filter(({ offset }) => !beyond(stored, offset))) {
      if (topic === CHANGES) lines.push(table.take(told(message)))
      // Nothing is known of the device any more: nor by us.
      else if (message.value === null) table.bury(String(message.key), Number(message.timestamp))
    }
    const next = String(BigInt(batch.lastOffset()) + 1n)
    table.storePosition(place(topic, partition), beyond(stored, next) ? stored : next)
  })
  for (const line of lines) if (line) console.log(line)
}

function told({ headers, value, timestamp }: KafkaMessage) {
  const header = (name: string) => String(headers?.[name])
  const change = JSON.parse(String(value)) as RegionChange
  const [type, id, schema] = [header('ce_type'), header('ce_id'), header('ce_dataschema')]
  return { type, id, schema, change, loggedMs: Number(timestamp) }
}

/** Take what comes until SIGTERM or SIGINT. */
async function follow(): Promise<void> {
  // An instance that has died is missed after six seconds: its partitions are then given to others.
  const timing = { sessionTimeout: 6000, heartbeatInterval: 2000, maxWaitTimeInMs: 200 }
  const consumer = kafka.consumer({ groupId: GROUP, ...timing })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment } }) => {
    // Whoever is given a partition goes on where the table says, whoever had it before.
    for (const [topic, partitions] of Object.entries(memberAssignment))
      for (const partition of partitions)
        consumer.seek({ topic, partition, offset: table.position(place(topic, partition)) ?? '0' })
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    console.error(payload.error.message)
    if (!payload.restart) process.exit(1)
  })
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => void consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topics: [CHANGES, PRESENCE] })
  await consumer.run({ autoCommit: false, eachBatch: async ({ batch }) => take(batch) })
}

await begin()
await follow()
