import type { RgbImage } from '../images/image.ts'
import type { WorkOptions } from '../progress.ts'

/** Turns whatever form a photo has on this platform into pixels. */
export type DecodeImage<Input> = (input: Input, options?: Pick<WorkOptions, 'signal'>) => Promise<RgbImage>
