// node examples/detect.mjs [photo]
import { loadDetector } from 'vertebra'

const detector = await loadDetector('resnet101-voc')
const { detections } = await detector.detect(process.argv[2] ?? 'examples/photos/cat.jpg', { minScore: 0.5 })
for (const { label, score, box } of detections) console.log(label, score.toFixed(2), box)
await detector.dispose()
