/**
 * Who is where, and who moved, in a database of one's own: what every program here makes of an event.
 *
 * Each event is taken in the transaction that also stores the position, so that neither is ever there without the
 * other. Invariants: an event's id is in `moved` once; `inside` has what the last event of a device and layer says.
 */

import { DatabaseSync } from 'node:sqlite'
import type { Presence, RegionChange } from './events.ts'

const SCHEMA = 'urn:geofence:region-change:1'
const KINDS = new Set(['changed', 'entered', 'exited', 'dwelled'])
const EVENTS_KEPT_MS = 8 * 86_400_000
const TABLES = `
CREATE TABLE IF NOT EXISTS inside (device TEXT, layer TEXT, region TEXT, PRIMARY KEY (device, layer, region));
CREATE TABLE IF NOT EXISTS moved (
    id TEXT PRIMARY KEY, device TEXT, layer TEXT, came_from TEXT, went_to TEXT, cause TEXT, logged_ms INTEGER);
CREATE INDEX IF NOT EXISTS moved_by_device ON moved (device);
CREATE TABLE IF NOT EXISTS position (place TEXT PRIMARY KEY, next TEXT);
CREATE TABLE IF NOT EXISTS forgotten (device TEXT PRIMARY KEY, until_ms INTEGER);
`

/** An event's attributes and its data; `loggedMs`: when the log got it. */
export interface Told {
  type: string
  id: string
  schema: string
  change: RegionChange
  loggedMs?: number
}

export class Table {
  readonly #database = new DatabaseSync(process.env['DATABASE'] ?? 'whereabouts.db', { timeout: 30_000 })

  constructor() {
    this.#database.exec('PRAGMA journal_mode = WAL')
    this.#database.exec(TABLES)
  }

  /** A transaction that lets no other writer in between reading a position and storing the next. */
  writing(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#database.exec('ROLLBACK')
      throw error
    }
  }

  /** Where to go on; undefined at the very beginning. */
  position(place: string): string | undefined {
    const found = this.#database.prepare('SELECT next FROM position WHERE place = ?').get(place)
    return found && String(found['next'])
  }

  /** Where to go on from now. */
  storePosition(place: string, next: string): void {
    this.#write('INSERT INTO position VALUES (?, ?) ON CONFLICT DO UPDATE SET next = excluded.next', place, next)
  }

  /** Take an event once. What has been done; undefined if it was taken before or is of a kind unknown to us. */
  take({ type, id, schema, change, loggedMs = 0 }: Told): string | undefined {
    const kind = type.replace('geofence.region.', '')
    if (!KINDS.has(kind)) return undefined
    if (schema !== SCHEMA)
      throw new Error(`event ${id} has dataschema ${schema}; this program knows ${SCHEMA}. Update it.`)
    const { device, layer, cause } = change
    const [from, to] = [change.from?.id ?? null, change.to?.id ?? null]
    const insert = 'INSERT INTO moved VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING'
    if (!this.#write(insert, id, device, layer, from, to, cause, loggedMs)) return undefined
    if (kind === 'changed') this.#write('DELETE FROM inside WHERE device = ? AND layer = ?', device, layer)
    if (kind === 'exited')
      this.#write('DELETE FROM inside WHERE device = ? AND layer = ? AND region = ?', device, layer, from)
    if (to !== null && kind !== 'exited') this.#put(device, layer, to)
    const gone = this.#database.prepare('SELECT until_ms FROM forgotten WHERE device = ?').get(device)
    if (cause === 'consent') this.forget(device) // withdrawn, or erased: nothing of it may stay
    // A tombstone was read before this, perhaps; the two lie on different topics.
    else if (gone) this.forget(device, Number(gone['until_ms']))
    return `${device} ${kind} in ${layer}: ${from ?? '-'} to ${to ?? '-'} (${cause})`
  }

  /** Keep nothing of what a device did until then but the ids of its events, by which a repeat is known. */
  forget(device: string, untilMs = Number.MAX_SAFE_INTEGER): void {
    const set = 'device = NULL, layer = NULL, came_from = NULL, went_to = NULL, cause = NULL'
    this.#write(`UPDATE moved SET ${set} WHERE device = ? AND logged_ms <= ?`, device, untilMs)
  }

  /** Forget what a device did until then, that which is still to come, too, for as long as events are kept. */
  bury(device: string, untilMs: number): void {
    this.forget(device, untilMs)
    const insert = 'INSERT INTO forgotten VALUES (?, ?) ON CONFLICT DO UPDATE SET until_ms = excluded.until_ms'
    this.#write(insert, device, untilMs)
    this.#write('DELETE FROM forgotten WHERE until_ms < ?', untilMs - EVENTS_KEPT_MS)
  }

  /** Who is where, instead of what was believed until now. */
  storePresence(present: Iterable<Presence>): void {
    this.#write('DELETE FROM inside')
    for (const { device, layers } of present)
      for (const [layer, { stays }] of Object.entries(layers))
        for (const { id } of stays) if (id != null) this.#put(device, layer, id) // none: outside every region
  }

  /** Who is where now, a line each. */
  whereabouts(): string[] {
    const sql = 'SELECT device, layer, region FROM inside ORDER BY device, layer, region'
    return this.#database.prepare(sql).all().map(row => `${row['device']} is in ${row['region']} of ${row['layer']}`)
  }

  #put(device: string, layer: string, region: string): void {
    this.#write('INSERT INTO inside VALUES (?, ?, ?) ON CONFLICT DO NOTHING', device, layer, region)
  }

  #write(sql: string, ...values: (string | number | null)[]): number {
    return Number(this.#database.prepare(sql).run(...values).changes)
  }
}
