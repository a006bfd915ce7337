// What shapetrace/exploring/gathering.py and shapetrace/formats/page.py write.

/**
 * @typedef {[string, Record<string, string>?]} Phrase a phrase, and what goes into its {fields}
 *
 * @typedef {object} Operand a matrix, or a stack of equal ones
 * @property {string} [name] `W_Q`: what follows the underscore is a subscript
 * @property {string} [role] "weight" or "constant"; data if it is missing
 * @property {number[]} [shape] sizes of one matrix
 * @property {number[]} [stack] sizes of the stack
 * @property {string[]} [dims] names of the sizes
 * @property {boolean} [turned] drawn transposed
 * @property {string} [source] parameter, buffer or input that it comes from
 * @property {number[]} [axes] a number for each axis: the same number is the same axis by proof; -1 is unknown
 * @property {boolean} [leaves] whether the model gives it back
 * @property {string[]} [labels] words beside its rows
 * @property {[number, number]} [sees] of scores under a mask: how many columns before and after the diagonal are seen
 * @property {number[]} [alone] which position it is the row of, alone
 * @property {boolean} [moved] whether its rows are in another order than its axis says
 * @property {number} value number of the value: the same wherever it stands
 *
 * @typedef {object} Operation a recorded operation
 * @property {number} id
 * @property {string} name
 * @property {number[][]} [inputs]
 * @property {number[][]} [outputs]
 * @property {string[]} [kernels]
 * @property {string} [path]
 * @property {string} [line]
 *
 * @typedef {object} Step one row
 * @property {string} id
 * @property {string} kind
 * @property {string} role
 * @property {string} title
 * @property {string} [path]
 * @property {string} [operator]
 * @property {string} [function]
 * @property {Phrase} says
 * @property {number} [repeat]
 * @property {number} [parameters] of one layer
 * @property {number} [shared] what parameters · repeat counts too often
 * @property {string} [tied]
 * @property {number} [flops] of one layer; missing where they are not counted
 * @property {number} [bytes] of one layer's results
 * @property {Phrase[]} [notes]
 * @property {[number, number]} [inner]
 * @property {Operand[]} [operands]
 * @property {Operand[]} [results]
 * @property {Operation[]} [ops] of the first layer
 * @property {number[]} rows its pictures: numbers in each language, then names in each
 *
 * @typedef {object} Section a group of steps; of two models, one that has none there has its items alone
 * @property {string} [path]
 * @property {string} [spoken] its path as people type it, where that is another
 * @property {string} title
 * @property {string} kind
 * @property {string} [type]
 * @property {string} says
 * @property {number} [repeat]
 * @property {string[]} [members] paths of all layers that it stands for
 * @property {number[]} [starts] first operation of each
 * @property {Phrase} [window]
 * @property {{section?: number, step?: number}[]} [items]
 * @property {number} [parameters] of one member
 *
 * @typedef {object} ModelMap
 * @property {number} picture number of its picture
 * @property {[string, string, Box][]} areas title, key of the section or step, and where it is; outer ones first
 *
 * @typedef {object} Form
 * @property {Section[]} sections
 * @property {(Step | null)[]} steps null where only the other of two models has one
 * @property {{axis: number, lanes: Record<string, [number, number, number]>}} positions the axis that counts tokens; and by
 *   the number of an axis those that are along it: the index of the first, the first that is there, one behind the last
 * @property {Record<string, {wide: ModelMap, narrow: ModelMap}>} [maps] in each language
 *
 * @typedef {[number, number, number, number]} Box left, top, right, bottom
 * @typedef {[string, Box, number | null, number?, Box?, [number, number, number, number, number][]?, Box?]} Cell
 *   SVG, box, column; of a matrix which operand it is, its body, where the size of an axis is written, and of a stack the
 *   matrix in front
 *
 * @typedef {object} Failure why the pass ended early
 * @property {string} reason
 * @property {string} after id of the last step that ran
 * @property {Record<string, string>} [report] in each language
 * @property {Record<string, {wide: number, narrow: number}>} [pictures]
 *
 * @typedef {object} Subject a model, or one pass of it
 * @property {string} name
 * @property {string} [device]
 * @property {Record<string, number>} bill of a pass, as one of several
 * @property {Record<string, string[]>} facts
 * @property {Record<string, string>} versions
 * @property {Record<string, any>} totals
 * @property {Record<string, any>} coverage
 * @property {number | null} cache bytes that all layers keep of one token
 * @property {{number: number, told: Record<string, string[]>} | null} rank which one of several it is, and what is said of it
 * @property {Failure | null} failure
 * @property {Record<string, Form>} forms
 *
 * @typedef {object} Page
 * @property {string} title
 * @property {string} lang
 * @property {string} theme
 * @property {string} place what is open at first: id of a step or path of a section
 * @property {string} form "head" or "fused"
 * @property {number} side the pass or rank that is seen first
 * @property {"one" | "pair" | "passes" | "ranks"} layout one model, two side by side, or passes or ranks of which one is seen
 * @property {Subject[]} subjects
 * @property {boolean} cached whether passes keep rows for those behind them
 * @property {Record<string, string[]>} told what is said of all passes together, in each language
 * @property {Record<string, {sections: string[][], steps: string[][]}>} changes of two: how each part differs, and in what
 * @property {Record<string, string[]>} verdict in each language
 * @property {Record<string, {language: string, phrases: Record<string, string>}>} languages
 * @property {Cell[]} cells
 * @property {number[][]} rows
 * @property {[string, Box][]} plates other pictures: SVG and where it is
 */

export {};
