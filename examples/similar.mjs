// node examples/similar.mjs [photo] [photo]: how alike two photos look to the backbone, and what its levels are.
import { loadBackbone } from 'vertebra'

const [a = 'examples/photos/cat.jpg', b = 'examples/photos/astronaut.jpg'] = process.argv.slice(2)
const backbone = await loadBackbone('resnet101-voc')
for (const { name, channels, stride } of backbone.features) console.log(name, `${channels} channels, stride ${stride}`)
console.log(`${a} and ${b}: cosine`, (await backbone.similar(a, b)).toFixed(3))
await backbone.dispose()
