import { readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, unexpected, VertebraError } from '../errors.ts'
import { throwIfAborted } from '../progress.ts'
import type { ModelFiles } from './model-files.ts'
import { openPartStore } from './part-store.node.ts'
import { remoteFiles } from './remote-files.ts'

/** The scope under which model folders are published, one package each. */
export const MODEL_SCOPE = '@vertebra'

/**
 * Finds a model by the name of an installed model package (`resnet101-voc` is `@vertebra/resnet101-voc`), the path of a
 * model folder, or its `file:` or `http(s):` URL.
 * @throws VertebraError `MODEL_NOT_FOUND` with what was tried, `INVALID_ARGUMENT` for anything but a name, path or URL.
 */
export async function locateModel(model: string | URL): Promise<ModelFiles> {
  if (model instanceof URL) return locateUrl(model)
  if (typeof model !== 'string' || model === '') {
    throw unexpected('model', 'the name of an installed model, the path of a model folder, or a URL', model)
  }
  if (/^(https?|file):/i.test(model)) return locateUrl(new URL(model))
  if (await isModelFolder(model)) return folderFiles(resolve(model))
  if (/^[a-z0-9][a-z0-9._-]*$/.test(model)) {
    const folder = packageFolder(`${MODEL_SCOPE}/${model}`)
    if (folder) return folderFiles(folder)
    throw new VertebraError(
      'MODEL_NOT_FOUND',
      `Expected an installed model but there is no package ${MODEL_SCOPE}/${model} and no folder ${resolve(model)} ` +
        `with a model.json: install it with "npm install ${MODEL_SCOPE}/${model}", or give the path of a model folder.`,
      { value: model },
    )
  }
  throw new VertebraError(
    'MODEL_NOT_FOUND',
    `Expected a model folder but ${describe(resolve(model))} has no model.json: give the folder that holds it.`,
    { value: model },
  )
}

function locateUrl(url: URL): ModelFiles {
  if (url.protocol === 'file:') return folderFiles(fileURLToPath(url))
  if (url.protocol === 'http:' || url.protocol === 'https:') return remoteFiles(url, openPartStore())
  throw unexpected('model', 'a file:, http: or https: URL', url.href)
}

async function isModelFolder(path: string): Promise<boolean> {
  try {
    return (await stat(join(path, 'model.json'))).isFile()
  } catch {
    return false
  }
}

/** Looks beside the user's program first, then beside this library. */
function packageFolder(name: string): string | undefined {
  for (const base of [pathToFileURL(join(process.cwd(), 'index.js')), import.meta.url]) {
    try {
      return dirname(createRequire(base).resolve(`${name}/model.json`))
    } catch {
      // Not installed there.
    }
  }
  return undefined
}

function folderFiles(folder: string): ModelFiles {
  return {
    origin: folder,
    async read(file, { signal } = {}) {
      throwIfAborted(signal)
      try {
        return await readFile(join(folder, file), signal ? { signal } : {})
      } catch (cause) {
        throwIfAborted(signal)
        throw new VertebraError('MODEL_NOT_FOUND', `Expected the file ${join(folder, file)} but it cannot be read.`, {
          cause,
        })
      }
    },
  }
}
