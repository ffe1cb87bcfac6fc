import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { architectureByName } from '../../src/architectures/index.ts'
import { summarizeArchitecture } from '../../src/architectures/summary.ts'
import {
  type ArchitectureCosts,
  architectureText,
  listText,
  locateModelOrArchitecture,
} from '../../src/cli/info-architecture.ts'
import { temporaryFolder, tinyModelFolder } from '../tiny-model.ts'
import { runCli } from './run-cli.ts'

const textOf = (name: string, size?: { width: number; height: number }) => {
  const architecture = architectureByName(name)
  return architectureText(architecture, summarizeArchitecture(architecture, size))
}

describe('the text of an architecture', () => {
  it('is the table of its stages', () => {
    expect(textOf('resnet101')).toMatchInlineSnapshot(`
      "resnet101: ResNet-101 v1.5 (He et al. 2016, arXiv:1512.03385)
        A picture of 224 x 224, 1000 classes; output: channels x height x width, field: pixels that a cell sees along one side.

        stage       units                              level          output  stride  field  parameters  multiply-adds
        conv1       7x7 64                                    64 x 112 x 112       2      7       9,536        118.0 M
        pool        max 3x3                                     64 x 56 x 56       4     11           0          0.0 M
        block1      3 x (1x1 64, 3x3 64, 1x1 256)      c2      256 x 56 x 56       4     35     215,808        667.9 M
        block2      4 x (1x1 128, 3x3 128, 1x1 512)    c3      512 x 28 x 28       8     91   1,219,584      1,027.6 M
        block3      23 x (1x1 256, 3x3 256, 1x1 1024)  c4     1024 x 14 x 14      16    811  26,090,496      5,176.6 M
        block4      3 x (1x1 512, 3x3 512, 1x1 2048)   c5       2048 x 7 x 7      32    971  14,964,736        809.2 M
        classifier  fc 1000                                             1000            all   2,049,000          2.0 M
        together                                                                             44,549,160      7,801.4 M

        Feature maps: c2 256, c3 512, c4 1024, c5 2048
      "
    `)
  })

  it('names modules, layers and pools', () => {
    const text = textOf('googlenet')
    expect(text).toContain('5 modules of 4 branches')
    expect(textOf('vgg16')).toMatch(/conv3 +3 x 3x3 256 +c2 +256 x 56 x 56 +4 +40/)
    expect(textOf('vgg16')).toMatch(/classifier +fc 4096, fc 4096, fc 1000 +1000 +all +123,642,856/)
    expect(textOf('resnext50-32x4d')).toContain('3 x (1x1 128, 3x3 128 in 32 groups, 1x1 256)')
  })

  it('says when the classifier is left out', () => {
    expect(textOf('vgg16', { width: 640, height: 480 })).toContain(
      'Without the classifier, which takes 224 x 224 only.',
    )
    expect(textOf('resnet50', { width: 640, height: 480 })).not.toContain('Without')
  })
})

describe('a name', () => {
  it('is an architecture where no model has it, and a model folder before that', async () => {
    expect(await locateModelOrArchitecture('resnet50')).toBe(architectureByName('resnet50'))
    const folder = await tinyModelFolder()
    expect(await locateModelOrArchitecture(folder)).toHaveProperty('origin', folder)
  })

  it('that is neither is refused with names like it', async () => {
    await expect(locateModelOrArchitecture('resnet51')).rejects.toThrow(
      /no package @vertebra\/resnet51 .* Architectures of a like name are resnet50, /,
    )
    await expect(locateModelOrArchitecture('a-thing-of-no-such-name')).rejects.toThrow(/path of a model folder\.$/)
  })
})

describe('vertebra info <architecture>', () => {
  it('prints the table and draws the graph', async () => {
    const folder = temporaryFolder()
    const { code, stdout } = await runCli(['info', 'resnet20-cifar', '--graph', 'out/net.svg'], { cwd: folder })
    expect(code).toBe(0)
    expect(stdout).toContain('resnet20-cifar: ResNet-20 for CIFAR')
    expect(stdout.trimEnd().endsWith('\nout/net.svg')).toBe(true)
    expect(readFileSync(join(folder, 'out/net.svg'), 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s)
  })

  it('prints JSON', async () => {
    const { name, summary } = JSON.parse((await runCli(['info', 'alexnet', '--size', '256x192', '--json'])).stdout)
    expect(name).toBe('alexnet')
    expect(summary).toMatchObject({ input: { width: 256, height: 192 }, hasClassifier: false, parameters: 2_469_696 })
    expect(summary.stages[0]).toMatchObject({ name: 'conv1', output: [64, 47, 63], receptiveField: 11 })
  })

  it('lists what there is', async () => {
    const costs: ArchitectureCosts[] = JSON.parse((await runCli(['info', '--list', '--json'])).stdout)
    expect(costs.find(({ name }) => name === 'googlenet')).toMatchObject({ parameters: 6_624_904, inputSize: 224 })
    expect(listText(costs)).toMatch(/^ {2}resnet101 +ResNet-101 v1\.5 +224 x 224 +44,549,160 +7,801\.4 M$/m)
  })

  it('refuses what it cannot do', async () => {
    const folder = temporaryFolder()
    const model = await tinyModelFolder()
    const graph = await runCli(['info', model, '--graph', 'x.svg'], { cwd: folder })
    expect(graph).toMatchObject({ code: 2, stderr: expect.stringContaining('the name of an architecture for --graph') })
    expect(existsSync(join(folder, 'x.svg'))).toBe(false)
    expect((await runCli(['info', 'alexnet', '--size', '8x8'])).code).toBe(1)
    expect((await runCli(['info', 'resnet18', '--size', '0x8'])).code).toBe(2)
    expect((await runCli(['info', 'resnet18', '--graph', 'x.png'])).code).toBe(2)
    const missing = await runCli(['info', 'resnt18'])
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('like name are resnet18') })
  })
})
