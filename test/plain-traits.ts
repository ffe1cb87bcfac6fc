import type { DeviceTraits } from '../src/runtime/runtime.ts'

/** A device that wants graphs as they are. */
export const PLAIN_TRAITS: DeviceTraits = {
  roiPooling: 'operator',
  writesInto: false,
  keepsInt8Weights: false,
  holdsTensors: false,
  takesWeightsApart: false,
  prefersWinograd: false,
}
