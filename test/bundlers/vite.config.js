// The worker imports onnxruntime-web, which starts its threads from a file of its own.
export default { worker: { format: 'es' }, optimizeDeps: { exclude: ['vertebra'] } }
