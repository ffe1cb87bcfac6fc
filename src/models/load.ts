import { VertebraError } from '../errors.ts'
import { decodeModel } from '../onnx/codec.ts'
import type { Model } from '../onnx/model.ts'
import { readSignature } from '../onnx/signature.ts'
import { throwIfAborted, type WorkOptions } from '../progress.ts'
import { checkGraphs } from './check-graphs.ts'
import { checkWhole } from './check-whole.ts'
import type { AnyGraphName, GraphFile, ModelManifest } from './manifest.ts'
import type { ModelFiles } from './model-files.ts'
import { parseManifest } from './parse-manifest.ts'
import { requireTask } from './task.ts'

/** A checked model folder. Graphs are read when they are first asked for. */
export interface LoadedModel<M extends ModelManifest = ModelManifest> {
  readonly manifest: M
  readonly origin: string
  /**
   * Reads, checks and decodes one graph; its weights are views into the file's bytes.
   * @throws VertebraError `MODEL_NOT_FOUND`, `MODEL_CORRUPT` when size or sha256 differ, `GRAPH_INVALID`,
   * `MODEL_INVALID` when inputs or outputs are not what the manifest says, or the model has no such graph.
   */
  graph(name: AnyGraphName, options?: WorkOptions): Promise<Model>
  /**
   * Reads and checks the one graph of a whole detector, which runs as it is, whatever operators it holds.
   * @throws VertebraError as {@link graph}; `MODEL_INVALID` for other models.
   */
  wholeGraph(options?: WorkOptions): Promise<Uint8Array>
}

/**
 * Opens a model folder: reads and checks its manifest.
 * @throws VertebraError `MODEL_NOT_FOUND`, `MODEL_INVALID`, `ABORTED`.
 */
export async function openModel(files: ModelFiles, { signal }: WorkOptions = {}): Promise<LoadedModel> {
  throwIfAborted(signal)
  const json = new TextDecoder().decode(await files.read('model.json', { signal }))
  const manifest = parseManifest(json, `${files.origin}/model.json`)
  async function content(name: AnyGraphName, options: WorkOptions = {}): Promise<Uint8Array> {
    const { file, bytes, sha256 } = graphFile(manifest, name)
    try {
      const read = await files.read(file, { ...options, expected: { bytes, sha256 } })
      throwIfAborted(options.signal)
      await checkContent(`${files.origin}/${file}`, read, bytes, sha256)
      return read
    } catch (error) {
      if (error instanceof VertebraError && error.code === 'MODEL_CORRUPT') await files.forget?.({ sha256 })
      throw error
    }
  }
  return {
    manifest,
    origin: files.origin,
    async wholeGraph(options) {
      const whole = requireTask(manifest, 'detect-whole')
      const bytes = await content('detector', options)
      checkWhole(whole, readSignature(bytes), `${files.origin}/${whole.graphs.detector.file}`)
      return bytes
    },
    async graph(name, options) {
      const model = decodeModel(await content(name, options))
      checkGraphs(manifest, name, model, `${files.origin}/${graphFile(manifest, name).file}`)
      return model
    },
  }
}

function graphFile({ graphs, name: model }: ModelManifest, name: AnyGraphName): GraphFile {
  const file = new Map<string, GraphFile>(Object.entries(graphs)).get(name)
  if (file) return file
  const known = Object.keys(graphs).join(', ')
  throw new VertebraError('MODEL_INVALID', `Expected a graph "${name}" in the model "${model}" but it has ${known}.`)
}

async function checkContent(path: string, content: Uint8Array, bytes: number, sha256: string): Promise<void> {
  const expected = `Expected ${path} to be the file that model.json describes`
  if (content.byteLength !== bytes) {
    throw new VertebraError(
      'MODEL_CORRUPT',
      `${expected} (${bytes} bytes) but it has ${content.byteLength} bytes: get the model again.`,
    )
  }
  const actual = await sha256Of(content)
  if (actual !== sha256) {
    throw new VertebraError(
      'MODEL_CORRUPT',
      `${expected} (sha256 ${sha256}) but its sha256 is ${actual}: get the model again.`,
    )
  }
}

/**
 * The SHA-256 of some bytes as 64 hexadecimal digits.
 * @throws VertebraError `DEPENDENCY_MISSING` on a page that is neither https nor of this machine: browsers hide it there.
 */
export async function sha256Of(content: Uint8Array): Promise<string> {
  if (globalThis.crypto?.subtle === undefined) {
    const message = 'Checking a model needs crypto.subtle, which browsers give to pages on https and localhost only.'
    throw new VertebraError('DEPENDENCY_MISSING', message)
  }
  const digest = await crypto.subtle.digest('SHA-256', content as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
