/**
 * The name in a ResNet of Hugging Face (`resnet.encoder.stages.0.layers.0.layer.1.convolution.weight`, `classifier.1`) for
 * the library's own. As in transformers/models/resnet/modeling_resnet.py, converted from timm: stride on the 3x3.
 */
export function huggingFaceResnetName(canonical: string): string {
  const name = canonical
    .replace(/\.bn\.(\w+)$/, '.normalization.$1')
    .replace(/^(backbone\..+)\.weight$/, (whole, layer: string) =>
      layer.endsWith('.normalization') ? whole : `${layer}.convolution.weight`,
    )
    .replace(/^classifier\./, 'classifier.1.')
    .replace(/^backbone\.conv1\./, 'resnet.embedder.embedder.')
  const [, stage, unit, layer, index, rest] =
    /^backbone\.block(\d)\.unit(\d+)\.(conv|shortcut)(\d?)\.(.+)$/.exec(name) ?? []
  if (stage === undefined) return name
  const part = layer === 'shortcut' ? 'shortcut' : `layer.${Number(index) - 1}`
  return `resnet.encoder.stages.${Number(stage) - 1}.layers.${Number(unit) - 1}.${part}.${rest}`
}
