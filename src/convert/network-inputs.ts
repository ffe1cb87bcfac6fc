/** How a network was shown its pictures; what `--input` takes. */
export type NetworkInput = 'imagenet' | 'caffe-rgb'

/** Mean and deviation of each colour, red, green, blue, on the scale 0 to 1. */
interface Normalisation {
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
}

export const NETWORK_INPUTS: Readonly<Record<NetworkInput, Normalisation>> = {
  /** Mean 0 and deviation 1 over ImageNet: torchvision, timm, Hugging Face. */
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  /** Levels of 0 to 255 less their mean, in the order red, green, blue: what was trained with Caffe and ported to torchvision. */
  'caffe-rgb': { mean: [0.48235, 0.45882, 0.40784], std: [1 / 255, 1 / 255, 1 / 255] },
}
