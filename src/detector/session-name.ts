/**
 * The sessions of one model. `network` is backbone and RPN, or backbone and classifier, joined in memory, so that no feature
 * map is copied between them; `backbone` and `rpn` alone serve whoever asks for feature maps.
 */
export type SessionName = 'network' | 'backbone' | 'rpn' | 'roiHead'
