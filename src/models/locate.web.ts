import { messageOf, unexpected, VertebraError } from '../errors.ts'
import { throwIfAborted } from '../progress.ts'
import type { ModelFiles } from './model-files.ts'
import { openPartStore } from './part-store.web.ts'
import { remoteFiles } from './remote-files.ts'

/** A model in a browser: an address of its folder, a bare name, or its files. */
export type ModelInput = string | URL | readonly File[] | Readonly<Record<string, Blob>>

/** The same in a form that a worker can take. */
export type PortableModel = { readonly url: string } | { readonly files: Readonly<Record<string, Blob>> }

/**
 * @param model a name (`resnet101-voc` is the folder `models/resnet101-voc/` beside the page), a URL of a folder, the files of
 * a folder that a person chose (`<input type="file" webkitdirectory>`), or Blobs by file name.
 * @throws VertebraError `INVALID_ARGUMENT`.
 */
export function portableModel(model: ModelInput, baseUrl: string): PortableModel {
  if (typeof model === 'string' || model instanceof URL) {
    const isName = typeof model === 'string' && /^[a-z0-9][a-z0-9._-]*$/.test(model)
    const address = isName ? `models/${model}/` : model
    if (!URL.canParse(address, baseUrl)) throw unexpected('model', 'a name, or the URL of a model folder', model)
    return { url: new URL(address, baseUrl).href }
  }
  if (typeof model !== 'object' || model === null) throw unexpected('model', 'a name, URL, files or Blobs', model)
  const files = isList(model) ? Object.fromEntries(model.map((file) => [file.name, file])) : { ...model }
  for (const [name, file] of Object.entries(files)) {
    if (!(file instanceof Blob)) throw unexpected(`the model's file ${name}`, 'a Blob or File', file)
  }
  return { files }
}

function isList(model: readonly File[] | Readonly<Record<string, Blob>>): model is readonly File[] {
  return Array.isArray(model)
}

export async function locateModel(model: PortableModel): Promise<ModelFiles> {
  if ('files' in model) return blobFiles(model.files)
  const url = new URL(model.url)
  if (!/^https?:$/.test(url.protocol)) throw unexpected('model', 'an http: or https: URL', model.url)
  return remoteFiles(url, await openPartStore())
}

function blobFiles(files: Readonly<Record<string, Blob>>): ModelFiles {
  return {
    origin: 'the chosen files',
    async read(file, { signal } = {}) {
      throwIfAborted(signal)
      const blob = Object.hasOwn(files, file) ? files[file] : undefined
      if (!blob) throw unexpected('model', `a file ${file}`, Object.keys(files), 'MODEL_NOT_FOUND')
      try {
        return new Uint8Array(await blob.arrayBuffer())
      } catch (cause) {
        const message = `Expected the file ${file} but it cannot be read: ${messageOf(cause)}.`
        throw new VertebraError('MODEL_NOT_FOUND', message, { cause })
      }
    },
  }
}
