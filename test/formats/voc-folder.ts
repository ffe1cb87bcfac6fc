import type { TextFolder } from '../../src/formats/index.ts'
import { memoryFolder } from './memory-folder.ts'

/** The form of VOC2012's own files. */
export const VOC_XML = `<annotation>
	<folder>VOC2012</folder>
	<filename>2007_000027.jpg</filename>
	<source><database>The VOC2007 Database</database><image>flickr</image></source>
	<size><width>486</width><height>500</height><depth>3</depth></size>
	<segmented>0</segmented>
	<object>
		<name>person</name>
		<pose>Unspecified</pose>
		<truncated>1</truncated>
		<difficult>0</difficult>
		<bndbox><xmin>174</xmin><ymin>101</ymin><xmax>349</xmax><ymax>351</ymax></bndbox>
		<part><name>head</name><bndbox><xmin>169</xmin><ymin>104</ymin><xmax>209</xmax><ymax>146</ymax></bndbox></part>
		<part><name>hand</name><bndbox><xmin>278</xmin><ymin>210</ymin><xmax>297</xmax><ymax>233</ymax></bndbox></part>
	</object>
	<object>
		<name>dog</name>
		<difficult>1</difficult>
		<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>1</xmax><ymax>500</ymax></bndbox>
	</object>
</annotation>`

/** A VOC folder of that one image, and other files. */
export const vocFolder = (files: Record<string, string> = {}): TextFolder =>
  memoryFolder(Object.entries({ 'Annotations/2007_000027.xml': VOC_XML, ...files }))
