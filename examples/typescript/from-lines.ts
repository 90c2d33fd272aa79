/** Region changes from standard input into a table, for tests of your own. */

import { createInterface } from 'node:readline'
import type { Event } from './events.ts'
import { Table } from './table.ts'

const table = new Table()
for await (const line of createInterface({ input: process.stdin })) {
  const { type, id, dataschema = '', data: change } = JSON.parse(line) as Event
  table.writing(() => {
    const done = table.take({ type, id, schema: dataschema, change })
    if (done) console.log(done)
  })
}
for (const line of table.whereabouts()) console.log(line)
