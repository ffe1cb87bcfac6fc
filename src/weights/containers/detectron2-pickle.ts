import { invalidWeights, type WeightFile } from '../stored-tensor.ts'
import { readPickle } from './pickle.ts'
import { readStateDict } from './state-dict.ts'
import { TORCH_RULES } from './torch-pickle.ts'

/**
 * Reads the `.pkl` files of Detectron2 (`{"model": {name: array}, …}`) and of Caffe2's Detectron (`{"blobs": …}`): one
 * pickle of NumPy arrays. What Caffe2 kept of its optimizer, `*_momentum`, is left out.
 *
 * @throws VertebraError `WEIGHTS_INVALID`
 */
export function readDetectron2Pickle(bytes: Uint8Array): WeightFile {
  const { value } = readPickle(bytes, { globals: TORCH_RULES.globals })
  const noStorage = (): never => {
    throw invalidWeights('NumPy arrays in the pickle but it has PyTorch tensors without their elements')
  }
  const file = readStateDict('pickle of NumPy arrays', value, noStorage, bytes.length)
  return { ...file, tensors: new Map([...file.tensors].filter(([name]) => !name.endsWith('_momentum'))) }
}
