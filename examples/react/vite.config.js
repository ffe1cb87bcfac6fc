import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** What makes the page cross-origin isolated, so that WebAssembly has threads. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

export default defineConfig({
  plugins: [react()],
  // The page finds the models that are installed beside it: /resnet101-voc/ and so on.
  publicDir: 'node_modules/@vertebra',
  server: { headers },
  preview: { headers },
  // The library's worker imports further files, which only ES modules can.
  worker: { format: 'es' },
  // Vite's dependency bundle would tear the worker away from the files beside it.
  optimizeDeps: { exclude: ['vertebra', 'onnxruntime-web'] },
})
