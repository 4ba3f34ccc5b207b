// Written by `python -m app.routes.contract` from the types in Python: what the routes answer.

/**
 * The answer to `pulse`: runs by their ids, and who trains them.
 * @typedef {Object} LabPulse
 * @property {Object<string, RunPulse|Unknown>} runs
 * @property {WorkerPulse} worker
 */

/**
 * Whether a worker lives, and if not, why the one that the app started is not there, where that is known.
 * @typedef {Object} WorkerPulse
 * @property {boolean} alive
 * @property {string|null} failure
 */

/**
 * How far a run is. `group` is its group's id; `rev` is part of the addresses of its data; `epochs` are the kept ones as ranges [first, last, step]; `progress` is 0 to 1; `holds_at` is the epoch after which it waits, -1 before all, null where it goes on to its end; `rows` are the epochs after the one that the question names, none where there are more than 32.
 * @typedef {Object} RunPulse
 * @property {string} state
 * @property {string} group
 * @property {string} rev
 * @property {Array<Array<number>>} epochs
 * @property {number} planned
 * @property {number} progress
 * @property {string|null} note
 * @property {string|null} error
 * @property {number|null} seconds_left
 * @property {Queue|null} queue
 * @property {number|null} holds_at
 * @property {Array<Row>} rows
 */

/**
 * What is before a run that waits: how many groups, and for how long, where that can be said.
 * @typedef {Object} Queue
 * @property {number} races
 * @property {number|null} seconds
 */

/**
 * One epoch: what its curves gain. Without class means where they are too large or not recorded.
 * @typedef {Object} Row
 * @property {number} epoch
 * @property {Object<string, number|null>} scalars
 * @property {ClassMeans|null} class_means
 */

/**
 * Rows of an array, (K, d): little-endian float32 in base64.
 * @typedef {Object} ClassMeans
 * @property {Array<number>} shape
 * @property {string} data
 */

/**
 * In place of a run that is not in this lab.
 * @typedef {Object} Unknown
 * @property {string} error
 */

/**
 * A run but for its epochs. `source` is equal for runs whose images have the same numbers; `siblings` are the runs that differ from it in the seed alone; `widest` is what no angle in `space` exceeds, in degrees; `classes` is null before the run has read its data; `faults` say what of it cannot be read: "folder", "samples", "predicted", "recipe", the last also where it is read and names what is not registered here. `floors` are what metrics cannot fall below where every class is a point, of those for which that is known.
 * @typedef {Object} About
 * @property {string} id
 * @property {string} name
 * @property {string} group
 * @property {string} variant
 * @property {string} title
 * @property {string} space
 * @property {number} widest
 * @property {string} recipe
 * @property {number} planned
 * @property {number|null} seed
 * @property {Object<string, string>} provenance
 * @property {string} source
 * @property {Switches|null} switches
 * @property {Array<string>} siblings
 * @property {Classes|null} classes
 * @property {Object<string, number>} floors
 * @property {Object<string, string>} faults
 */

/**
 * What its loss is made of: whether there is a contrastive one, whether it contrasts with prototypes, its anchors. `averaging` and `complement` are null where it has no weights over pairs.
 * @typedef {Object} Switches
 * @property {boolean} contrastive
 * @property {boolean} prototypes
 * @property {boolean|null} averaging
 * @property {boolean|null} complement
 * @property {string} anchors
 * @property {boolean} self_term
 * @property {number} temperature
 */

/**
 * What follows from the K classes and their training counts. `simplex` is (K, D), the picture's frame; `regular` the angle of the regular simplex in degrees; `bins` the bin of each class where gradient statistics are pooled by frequency, else null.
 * @typedef {Object} Classes
 * @property {Array<string>} names
 * @property {Array<number>} counts
 * @property {Array<string>} colours
 * @property {Groups} groups
 * @property {Shots} shots
 * @property {Array<Array<number>>} simplex
 * @property {number} regular
 * @property {Predicted|null} predicted
 * @property {Array<number>|null} bins
 */

/**
 * Classes by training count, the most frequent first: the largest and the smallest three tenths, and the rest.
 * @typedef {Object} Groups
 * @property {Array<number>} head
 * @property {Array<number>} medium
 * @property {Array<number>} tail
 */

/**
 * How many classes have more than 100 training images, how many 20 to 100, and how many fewer.
 * @typedef {Object} Shots
 * @property {number} many
 * @property {number} medium
 * @property {number} few
 */

/**
 * The optimum predicted for batches of a size: class means, (K, D), turned onto the picture's simplex. `tail` and `prototypes` are degrees within the tail, of class means and of prototypes, null without them; `batch` is that size in images, null for one batch of everything. `tied`: the loss has prototypes, and none of them was free to leave its class mean, as in files of earlier releases.
 * @typedef {Object} Predicted
 * @property {Array<Array<number|null>>} coordinates
 * @property {number|null} tail
 * @property {number|null} prototypes
 * @property {number|null} batch
 * @property {boolean} tied
 */

/**
 * All classes alike; frequent and rare swapped.
 * @typedef {Object} Controls
 * @property {Control} balanced
 * @property {Control} swapped
 */

/**
 * A run that differs from another in nothing but its training counts, or null; and how to make one.
 * @typedef {Object} Control
 * @property {string|null} id
 * @property {string} how
 */

/**
 * All runs: the lab's own, the newest group first, those on the shelf, and, but for viewers, deleted ones at last. `about` says of groups on the shelf, by their ids, what a reader should know; `faults` why a folder of the shelf, by its name, was not opened.
 * @typedef {Object} Library
 * @property {Array<LibraryRun>} runs
 * @property {Object<string, string>} about
 * @property {string} shelf
 * @property {Object<string, string>} faults
 */

/**
 * A run as the Library lists it. `group` is its group's id; `data` the data set, `imbalance` the factor that was asked for, null where classes are as they are; `space` is where its angles are measured, and `widest` what none there exceeds, in degrees; `epoch` the last one recorded; `missing` what lacks here to train it on, in words; `created` and `deleted` are in seconds since 1970; `bytes` is what its files take on the disk; `lacks_images`: it came without its images, which can be fetched.
 * @typedef {Object} LibraryRun
 * @property {string} id
 * @property {"own"|"shelf"|"imported"|"recorded"} kind
 * @property {string} name
 * @property {string} group
 * @property {string} group_name
 * @property {string} title
 * @property {string} recipe
 * @property {string} data
 * @property {number|null} imbalance
 * @property {string} space
 * @property {number} widest
 * @property {number|null} seed
 * @property {string} state
 * @property {string|null} error
 * @property {string|null} missing
 * @property {number|null} epoch
 * @property {number} planned
 * @property {number} progress
 * @property {number} created
 * @property {number|null} deleted
 * @property {string} rev
 * @property {number} bytes
 * @property {Figures} figures
 * @property {boolean} lacks_images
 */

/**
 * What its last epoch measured, null where that was not recorded. Accuracies are from 0 to 1, angles in degrees; `nearest_mean` is of the nearest class mean, where there is no classifier; `tail` is the mean angle within the tail, null where none is rare.
 * @typedef {Object} Figures
 * @property {number|null} accuracy
 * @property {number|null} nearest_mean
 * @property {number|null} many
 * @property {number|null} medium
 * @property {number|null} few
 * @property {number|null} angle
 * @property {number|null} tail
 */

/**
 * How a side job stands; what it is busy with while it runs, and a sentence where it failed, else "". "unknown": never started, or forgotten; where others run, it starts when it is asked for again.
 * @typedef {Object} JobState
 * @property {"unknown"|"running"|"done"|"failed"} state
 * @property {string} progress
 * @property {string} error
 */

/**
 * What the whole class is told. `how`: nothing is presented ("off"), the presenter is followed ("live"), or the last picture is held ("frozen"); `place` is where the presenter is, `search` the address there as a query without "?", "" before there is one.
 * @typedef {Object} ClassState
 * @property {"off"|"live"|"frozen"} how
 * @property {"lab"|"learn"} place
 * @property {string} search
 * @property {Question|null} poll
 */

/**
 * A question before the class; `counts` are the answers to each choice once they are revealed.
 * @typedef {Object} Question
 * @property {string} id
 * @property {string} question
 * @property {Array<string>} choices
 * @property {Array<number>|null} counts
 */

/**
 * What the presenter sees of the class and of the machine. `races`: viewers may start some; `hands` are the processes that train at this moment; what is free is in bytes.
 * @typedef {Object} Desk
 * @property {number} following
 * @property {number} exploring
 * @property {Array<number>} answers
 * @property {boolean} races
 * @property {Array<Waiting>} queue
 * @property {WorkerPulse} worker
 * @property {number} hands
 * @property {number} disk_free
 * @property {number} memory_free
 * @property {string|null} gpu
 */

/**
 * A run that trains or waits: its name, its state, and how far it is, 0 to 1; whether viewers have started it.
 * @typedef {Object} Waiting
 * @property {string} name
 * @property {boolean} viewers
 * @property {string} state
 * @property {number} progress
 */

/**
 * How the parts are. `status` is "ok" unless one of them needs somebody: the worker where runs wait and none is alive ("missing"; without runs it leaves, and is "idle"), the disk where the lab cannot be opened or written, or has not a gigabyte left.
 * @typedef {Object} Health
 * @property {"ok"|"impaired"} status
 * @property {"ok"} web
 * @property {"alive"|"idle"|"missing"} worker
 * @property {"ok"|"low"|"read-only"|"unusable"} disk
 */

/**
 * Degrees between the class means, K·K in rows, where a loss leaves them in three dimensions; null if unproved.
 * @typedef {Object} Prediction
 * @property {Array<number>|null} angles
 */

/**
 * What was wrong, and what would be right, in a sentence.
 * @typedef {Object} Failure
 * @property {string} error
 */

export {};
