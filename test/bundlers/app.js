import { loadDetector } from 'vertebra'

globalThis.run = async () => {
  const detector = await loadDetector('tiny', { device: 'wasm' })
  const { detections, device } = await detector.detect('/photos/cat.jpg', { minScore: 0.05 })
  await detector.dispose()
  return { count: detections.length, device }
}
