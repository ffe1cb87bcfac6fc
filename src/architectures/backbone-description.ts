import type { AlexnetDescription } from './alexnet.ts'
import type { GooglenetDescription } from './googlenet.ts'
import type { ResidualDescription } from './residual-description.ts'
import type { VggDescription } from './vgg.ts'

/** A network that turns an image into feature maps. */
export type BackboneDescription = ResidualDescription | VggDescription | AlexnetDescription | GooglenetDescription
