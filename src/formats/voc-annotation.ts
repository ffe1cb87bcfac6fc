import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser'
import type { XYWH } from '../boxes/boxes.ts'
import { messageOf, unexpected, VertebraError } from '../errors.ts'
import { withoutUncarried } from '../markup.ts'
import type { DatasetAnnotation, DatasetImage, OtherFields } from './dataset.ts'
import { baseName } from './names.ts'

type Node = Readonly<Record<string, unknown>>

/** One object of a VOC annotation, as the file says it. */
export interface VocObject {
  readonly label: string
  /** NaN where the file has no number. */
  readonly bbox: XYWH
  readonly difficult: unknown
  readonly truncated: unknown
  /** pose, occluded, parts, actions … */
  readonly other: OtherFields
}

/** A VOC annotation, as the file says it; what it lacks is undefined. */
export interface VocAnnotation {
  readonly filename: unknown
  readonly width: number
  readonly height: number
  readonly objects: readonly VocObject[]
  /** folder, source, owner, segmented, depth … */
  readonly other: OtherFields
}

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  // The parser decodes numbers such as &#233; only along with HTML's names.
  htmlEntities: true,
  isArray: (name, path) => name === 'object' && String(path) === 'annotation.object',
})
const builder = new XMLBuilder({ format: true, indentBy: '  ' })

/**
 * Reads the XML of one VOC annotation. VOC counts pixels from 1 and both corners belong to the box, so xmin, xmax
 * become x = xmin - 1 and width = xmax - xmin + 1.
 *
 * @throws VertebraError `DATA_INVALID` for text that is not XML, has a document type (which VOC files never have, and
 * which could make a small file large), or is not an annotation.
 */
export function readVocAnnotation(xml: string, file: string): VocAnnotation {
  if (/<!(?:DOCTYPE|ENTITY)/i.test(xml)) throw refused(file, 'it has a document type definition')
  const valid = XMLValidator.validate(xml)
  if (valid !== true) throw refused(file, `line ${valid.err.line} says: ${valid.err.msg}`)
  let root: unknown
  try {
    root = parser.parse(xml)
  } catch (cause) {
    throw refused(file, messageOf(cause), cause)
  }
  if (!isNode(root) || !isNode(root.annotation)) throw unexpected(file, 'an <annotation>', root, 'DATA_INVALID')
  const { filename, size, object, ...other } = root.annotation
  const { width, height, ...more } = isNode(size) ? size : {}
  return {
    filename,
    width: numberOf(width),
    height: numberOf(height),
    objects: (Array.isArray(object) ? object : []).map((node: unknown) => objectOf(isNode(node) ? node : {})),
    other: { ...other, ...more },
  }
}

function objectOf({ name, bndbox, difficult, truncated, ...other }: Node): VocObject {
  const { xmin, ymin, xmax, ymax } = isNode(bndbox) ? bndbox : {}
  const [left, top] = [numberOf(xmin), numberOf(ymin)]
  return {
    label: typeof name === 'string' ? name : '',
    bbox: [left - 1, top - 1, numberOf(xmax) - left + 1, numberOf(ymax) - top + 1],
    difficult: flagOf(difficult),
    truncated: flagOf(truncated),
    other,
  }
}

type Shape = 'text' | { readonly [field: string]: Shape }

const BOX: Shape = { xmin: 'text', ymin: 'text', xmax: 'text', ymax: 'text' }

/** What VOC's own files hold besides what a dataset has fields for, and the order in which they hold it. */
const IMAGE_FIELDS: Readonly<Record<string, Shape>> = {
  folder: 'text',
  source: { database: 'text', annotation: 'text', image: 'text', flickrid: 'text' },
  owner: { flickrid: 'text', name: 'text' },
  depth: 'text',
  segmented: 'text',
}
const OBJECT_FIELDS: Readonly<Record<string, Shape>> = {
  pose: 'text',
  occluded: 'text',
  part: { name: 'text', bndbox: BOX },
  actions: {
    jumping: 'text',
    other: 'text',
    phoning: 'text',
    playinginstrument: 'text',
    reading: 'text',
    ridingbike: 'text',
    ridinghorse: 'text',
    running: 'text',
    takingphoto: 'text',
    usingcomputer: 'text',
    walking: 'text',
  },
  point: { x: 'text', y: 'text' },
}

/**
 * The XML of one image of a dataset, with the fields that a VOC file had of its own; others, which may be anybody's,
 * are left out. Boxes keep their decimals.
 */
export function writeVocAnnotation(
  { file_name, width, height, other }: DatasetImage,
  objects: readonly { readonly annotation: DatasetAnnotation; readonly label: string }[],
): string {
  const { folder, source, owner, depth, segmented } = known(other, IMAGE_FIELDS)
  return builder.build({
    annotation: {
      ...defined({ folder }),
      filename: withoutUncarried(baseName(file_name)),
      ...defined({ source, owner }),
      ...(width > 0 ? { size: { width, height, depth: depth ?? 3 } } : {}),
      segmented: segmented ?? 0,
      object: objects.map(({ annotation: { bbox, difficult, truncated, other }, label }) => {
        const [x, y, w, h] = bbox
        const { pose, occluded, part, actions, point } = known(other, OBJECT_FIELDS)
        return {
          name: withoutUncarried(label),
          pose: pose ?? 'Unspecified',
          truncated,
          ...defined({ occluded }),
          difficult,
          bndbox: { xmin: x + 1, ymin: y + 1, xmax: x + w, ymax: y + h },
          ...defined({ part, actions, point }),
        }
      }),
    },
  })
}

/** The fields of a shape, as text; what is not of that shape is left out. */
function known(node: unknown, shape: Readonly<Record<string, Shape>>): OtherFields {
  if (!isNode(node)) return {}
  return defined(Object.fromEntries(Object.entries(shape).map(([field, own]) => [field, carried(node[field], own)])))
}

function carried(value: unknown, shape: Shape): unknown {
  if (shape === 'text') return isPlain(value) ? withoutUncarried(String(value)) : undefined
  if (Array.isArray(value)) return value.filter(isNode).map((item) => known(item, shape))
  return isNode(value) ? known(value, shape) : undefined
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function defined(fields: OtherFields): OtherFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function numberOf(value: unknown): number {
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
}

/** `0` and `1` as numbers, and no element at all or an empty one as undefined; what is neither, as it is. */
function flagOf(value: unknown): unknown {
  return value === undefined || value === '' ? undefined : value === '0' ? 0 : value === '1' ? 1 : value
}

function refused(file: string, why: string, cause?: unknown): VertebraError {
  return new VertebraError('DATA_INVALID', `Expected a VOC annotation in ${file} but ${why}.`, { cause })
}
