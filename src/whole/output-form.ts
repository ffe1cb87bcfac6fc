/** What the outputs of a detector that was exported as one graph mean. The names are the graph's own. */
export type OutputForm = BoxesForm | GridForm | QueriesForm

/** Finished detections, N of them: torchvision's export, the FasterRCNN of the ONNX model zoo. */
export interface BoxesForm {
  readonly form: 'boxes'
  /** [N, 4]: x1, y1, x2, y2 in pixels of the network's input. */
  readonly boxes: string
  /** [N]: the number of the class. */
  readonly labels: string
  /** [N]: probabilities. */
  readonly scores: string
  /** The number of the first class: 1 where 0 is background. */
  readonly firstLabel: number
  /** What x2 and y2 name. Default `edges`; `pixels`: the last pixel. */
  readonly corners?: 'edges' | 'pixels' | undefined
}

/** One box for each cell of some grids, and no non-maximum suppression yet: YOLOX. */
export interface GridForm {
  readonly form: 'grid'
  /** [1, cells, 5 + K]: x and y of the middle, width, height, probability of an object, of each class given an object. */
  readonly values: string
  /** Pixels of the input per cell of each grid, in the order of the rows; a grid's cells are row by row. */
  readonly strides: readonly number[]
  /** Whether the boxes are pixels already; otherwise the middle counts cells from the cell, and sides are logarithms of cells. */
  readonly decoded: boolean
}

/** A fixed number of guesses, of which none needs to be suppressed: DETR and what came of it. */
export interface QueriesForm {
  readonly form: 'queries'
  /** [1, Q, K + 1] with "no object" last for `softmax`, [1, Q, K] for `sigmoid`. */
  readonly logits: string
  /** [1, Q, 4]: x and y of the middle, width, height, each 0 to 1 of the photo. */
  readonly boxes: string
  /** `softmax`: a guess has one class (DETR). `sigmoid`: every class of a guess is a detection (Deformable DETR, RT-DETR). */
  readonly activation: 'softmax' | 'sigmoid'
}
