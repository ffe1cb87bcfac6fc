import type * as Vertebra from '../../src/index.web.ts'

declare global {
  /** The library, as the page of the tests loads it. */
  var vertebra: typeof Vertebra
  /** The runtime's module, the very one that the library uses in the page. */
  var gpuRuntime: () => Promise<typeof import('onnxruntime-web/webgpu')>
  /** `CODE: message` of what some work throws. */
  var errorOf: (work: () => Promise<unknown>) => Promise<string>
}
