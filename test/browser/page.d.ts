import type * as Vertebra from '../../src/index.web.ts'

declare global {
  /** The library, as the page of the tests loads it. */
  var vertebra: typeof Vertebra
  /** `CODE: message` of what some work throws. */
  var errorOf: (work: () => Promise<unknown>) => Promise<string>
}
