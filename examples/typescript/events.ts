// What lies on the topics region-changes and presence. Made from docs/schemas by `python -m service.documents`.

/** A CloudEvent. `dataschema` carries the version of what is in `data`. */
export interface Event {
  specversion?: string
  /** The same whenever the same input is read: who has seen it may drop the event. */
  id: string
  /** The deployment. */
  source: string
  type: 'geofence.region.changed' | 'geofence.region.entered' | 'geofence.region.exited' | 'geofence.region.dwelled'
  /** The device. */
  subject: string
  /** When it occurred, in UTC. */
  time: string
  /** Counts the changes of a device in a layer. */
  sequence: string
  partitionkey: string
  /** When it was received, or confirmed, in UTC. */
  recordedtime: string
  datacontenttype?: string
  dataschema?: string
  data: RegionChange
}

/** Why a crossing was confirmed, in short. */
export interface Evidence {
  /** How many pings spoke for it. */
  pings: number
  /** Over how many seconds. */
  seconds: number
  /** Their weight, in log-odds. */
  score: number
}

/** A device in one layer. No stays: not known yet (partition), or in no fence (overlay). */
export interface LayerPresence {
  stays: Stay[]
  /** That of the last event of the device and layer. */
  sequence: number
  version: string
}

/** A region as an event names it. */
export interface Place {
  id: string
  name?: string
}

/** A device in all layers. `seen` is the hour in which it was last heard. */
export interface Presence {
  /** Version of this schema. */
  v?: number
  /** The device: 1 to 256 bytes of UTF-8 without control characters. */
  device: string
  user?: string | null
  /** The hour in which it was last heard, in UTC. */
  seen: string
  /** By layer, where the device is. */
  layers: Record<string, LayerPresence>
}

/** The data of an event. Origin or target None: outside every region, or not known yet. */
export interface RegionChange {
  /** The device: 1 to 256 bytes of UTF-8 without control characters. */
  device: string
  user?: string | null
  layer: string
  /** The region left; null: outside every region, or not known yet. */
  from: Place | null
  /** The region come to; null: outside every region, or not known any more. */
  to: Place | null
  /** Why the region changed. */
  cause: 'moved' | 'first_fix' | 'boundary' | 'consent' | 'expired'
  /** The time of the first ping of the evidence, in UTC. */
  occurred_at: string
  /** The time of the ping that was enough, in UTC. */
  confirmed_at: string
  /** When that one was received, in UTC. */
  received_at?: string | null
  /** Of events like this one, the share that is right. */
  confidence: number
  evidence?: Evidence | null
  /** The hash of the layer's version that decided. */
  version: string
}

/** A region that a device is in, and since when. No id: outside every region. */
export interface Stay {
  /** Since when, in UTC. */
  since: string
  /** The region; null: outside every region. */
  id?: string | null
  name?: string
}
