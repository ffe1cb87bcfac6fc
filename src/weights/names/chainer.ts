const FIELDS: Readonly<Record<string, string>> = {
  weight: 'W',
  bias: 'b',
  'bn.weight': 'gamma',
  'bn.bias': 'beta',
  'bn.running_mean': 'avg_mean',
  'bn.running_var': 'avg_var',
}

/** The name of a parameter of one of Chainer's links: `W`, `b`, and of a normalisation `gamma`, `beta`, `avg_mean`, `avg_var`. */
export function chainerField(field: string): string {
  return FIELDS[field] ?? field
}

/**
 * The name in a ResNet of ChainerCV (`conv1/conv/W`, `res2/a/conv1/bn/gamma`, `res3/b1/…`, `residual_conv`, `fc6`) for the
 * library's own.
 */
export function chainerResnetName(canonical: string): string {
  const [, layer = '', field = ''] = /^(.+?)\.((?:bn\.)?\w+)$/.exec(canonical) ?? []
  const inside = `${field.startsWith('bn.') ? 'bn' : 'conv'}/${chainerField(field)}`
  if (layer === 'classifier') return `fc6/${chainerField(field)}`
  const [, block, unit, part, index] = /^backbone\.block(\d)\.unit(\d+)\.(conv|shortcut)(\d?)$/.exec(layer) ?? []
  if (block === undefined) return `${layer.replace('backbone.', '')}/${inside}`
  const name = unit === '1' ? 'a' : `b${Number(unit) - 1}`
  return `res${Number(block) + 1}/${name}/${part === 'shortcut' ? 'residual_conv' : `conv${index}`}/${inside}`
}

/** What Chainer also stores: how many batches a normalisation has seen. */
export function isChainerCounter(name: string): boolean {
  return name.endsWith('/N')
}

/** The epsilon of Chainer's BatchNormalization. */
export const CHAINER_EPSILON = 2e-5
