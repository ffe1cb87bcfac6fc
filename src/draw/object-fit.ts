import type { Size } from '../boxes/boxes.ts'
import type { Rectangle } from './layout.ts'

/**
 * Where CSS shows a picture in its element: the properties `object-fit` and `object-position` (CSS Images 3, section 5.5),
 * in CSS pixels from the element's top left. With `cover` the picture is larger than the element and begins outside of it.
 *
 * @param position the computed value, for example `50% 50%`; parts that are neither percent nor pixels count as the middle.
 * @example
 * fitPicture({ width: 200, height: 200 }, { width: 400, height: 200 }, 'contain', '50% 50%')
 * // { x: 0, y: 50, width: 200, height: 100 }
 */
export function fitPicture(element: Size, picture: Size, fit: string, position: string): Rectangle {
  const { width, height } = sizeFor(element, picture, fit)
  const [x = '50%', y = '50%'] = position.split(' ')
  return { x: offset(x, element.width - width), y: offset(y, element.height - height), width, height }
}

function sizeFor(element: Size, picture: Size, fit: string): Size {
  const scaleX = element.width / picture.width
  const scaleY = element.height / picture.height
  if (fit === 'contain') return scaled(picture, Math.min(scaleX, scaleY))
  if (fit === 'cover') return scaled(picture, Math.max(scaleX, scaleY))
  if (fit === 'scale-down') return scaled(picture, Math.min(1, scaleX, scaleY))
  return fit === 'none' ? picture : element
}

function scaled({ width, height }: Size, scale: number): Size {
  return { width: width * scale, height: height * scale }
}

function offset(part: string, room: number): number {
  const value = Number.parseFloat(part)
  if (/^-?[\d.]+px$/.test(part)) return value
  return room * (/^-?[\d.]+%$/.test(part) ? value / 100 : 0.5)
}
