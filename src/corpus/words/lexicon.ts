/**
 * The words that the people of the small world can say, as a grammar. A rule has alternatives; in an alternative a
 * token that starts with a capital letter names another rule, everything else is a word. "a" becomes "an" before a
 * vowel sound when a sentence is made. All nouns, verbs and names are common and sound different from one another.
 */

export type Grammar = Readonly<Record<string, readonly string[]>>;

const words = (text: string): readonly string[] => text.trim().split(/\s+/);
const lines = (text: string): readonly string[] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim());

/** Names are written with a capital in a sentence, and so are the days and "I". */
export const NAMES = words('anna tom mary david lucy peter sarah jack emma robert helen sam');
export const DAYS = words('monday tuesday wednesday thursday friday saturday sunday');

const FAMILY = words('mother father brother sister uncle daughter son friend neighbor boss doctor teacher');
const PEOPLE = words('teacher doctor farmer driver baker singer lady boy girl baby captain student');
const ANIMALS = words('dog cat horse bird cow sheep rabbit chicken mouse duck');
const THINGS = words(
  'book lamp chair table box key phone camera clock letter picture bag hat coat shirt cup plate knife bottle basket pencil ladder hammer bell ticket map umbrella blanket pillow mirror radio',
);
const FOODS = words('bread cheese soup rice fish butter milk coffee tea water juice sugar cake honey salad chocolate');
const FRUITS = words('apple orange banana lemon egg potato tomato cookie sandwich onion');
const PLACES = words(
  'house garden kitchen school station market office river beach bridge forest village city museum library hospital farm church park hotel',
);
const COLORS = words('red blue green yellow black white brown gray');
const SIZES = words('big small old new little heavy strange pretty cheap round broken empty');
const FEELINGS = words('tired hungry ready busy late early afraid proud quiet lucky');
const WEATHER = words('cold warm windy rainy sunny cloudy dark bright');
const COUNTS = words('two three four five six seven eight nine ten eleven twelve twenty thirty fifty');
const HOURS = words('one two three four five six seven eight nine ten eleven twelve');

const plural = (noun: string): string => {
  const odd: Record<string, string> = { knife: 'knives', sheep: 'sheep', mouse: 'mice' };
  if (odd[noun]) return odd[noun];
  if (/(s|x|ch|sh|potato|tomato)$/.test(noun)) return `${noun}es`;
  return /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
};

/** base, third person, past, -ing, and the rule of what may follow. */
const VERBS = lines(`
  want wants wanted wanting Thing
  need needs needed needing Thing
  find finds found finding Thing
  buy buys bought buying Ware
  sell sells sold selling Ware
  carry carries carried carrying Thing
  bring brings brought bringing Ware
  clean cleans cleaned cleaning Thing
  paint paints painted painting Thing
  fix fixes fixed fixing Thing
  hold holds held holding Thing
  lose loses lost losing Thing
  hide hides hid hiding Thing
  draw draws drew drawing Creature
  see sees saw seeing Creature
  watch watches watched watching Creature
  hear hears heard hearing Creature
  feed feeds fed feeding Creature
  follow follows followed following Creature
  help helps helped helping Someone
  call calls called calling Someone
  meet meets met meeting Someone
  visit visits visited visiting Someone
  thank thanks thanked thanking Someone
  remember remembers remembered remembering Someone
  eat eats ate eating Food
  cook cooks cooked cooking Food
  make makes made making Food
  taste tastes tasted tasting Food
  drink drinks drank drinking Drink
  walk walks walked walking ToPlace
  drive drives drove driving ToPlace
  run runs ran running ToPlace
  travel travels traveled traveling ToPlace
  move moves moved moving ToPlace
  wait waits waited waiting AtPlace
  sleep sleeps slept sleeping AtPlace
  work works worked working AtPlace
  sing sings sang singing AtPlace
  dance dances danced dancing AtPlace
  sit sits sat sitting AtPlace
  play plays played playing Game
  read reads read reading Readable
  write writes wrote writing Readable
`).map((line) => line.split(' ') as [string, string, string, string, string]);

const form = (index: number): readonly string[] => VERBS.map((verb) => `${verb[index]} ${verb[4]}`);

/** What one does not ask another person to do. */
const NOT_ASKED = new Set(['want', 'need', 'lose', 'hear', 'taste']);

const NOUN_RULES: Grammar = {
  Name: NAMES,
  Day: DAYS,
  Family: FAMILY,
  Animal: ANIMALS,
  Animals: ANIMALS.map(plural),
  Object: THINGS,
  Objects: [...THINGS, ...FRUITS].map(plural),
  Fruit: FRUITS,
  Stuff: FOODS,
  Spot: PLACES,
  Color: COLORS,
  Size: SIZES,
  Feeling: FEELINGS,
  Weather: WEATHER,
  Count: COUNTS,
  Hour: HOURS,
  My: words('my your his her our their'),
  Person: PEOPLE,
  People: PEOPLE.map(plural),
  Parents: words('children people friends parents'),
  Month: words('morning evening afternoon night'),
  Thing: lines(`
    a Object
    the Object
    My Object
    My Color Object
    a Size Object
    the Color Object
    Count Objects
    the Size Objects
  `),
  Ware: ['Thing', 'Thing', 'Food'],
  Creature: ['the Animal', 'a Size Animal', 'Count Animals', 'My Animal', 'the Person', 'Name', 'a Color Animal'],
  Someone: ['Name', 'My Family', 'the Person', 'the People', 'Name and Name', 'My Parents'],
  Food: ['some Stuff', 'the Stuff', 'a Fruit', 'Count Objects2', 'My Fruit', 'warm Stuff'],
  Objects2: FRUITS.map(plural),
  Drink: ['some Liquid', 'hot Liquid', 'cold Liquid', 'a cup of Liquid', 'too much Liquid'],
  Liquid: words('milk coffee tea water juice'),
  Place: ['the Spot', 'the Size Spot', 'My Spot', 'the Spot', 'the Spot'],
  ToPlace: ['to Place', 'to Place', 'to the Spot', 'through the Spot', 'past the Spot', 'home'],
  AtPlace: ['at Place', 'in Place', 'near Place', 'behind the Spot', 'all day', 'with Someone'],
  Game: ['football', 'the piano', 'the guitar', 'cards with Someone', 'in Place', 'a game', 'chess'],
  Readable: ['a letter', 'a Size book', 'the story', 'My letters', 'a long story', 'a Size letter', 'the news'],
};

const TIME_RULES: Grammar = {
  Past: ['yesterday', 'last Month2', 'on Day', 'last week', 'again', 'that Month', 'Count days ago', 'an hour ago'],
  Month2: words('night summer winter week year'),
  Future: [
    'tomorrow',
    'on Day',
    'next week',
    "at Hour o'clock",
    'soon',
    'at half past Hour',
    'tonight',
    'in Count minutes',
    'before Hour',
  ],
  Often: ['every Month', 'every day', 'on Day', 'in the Month', 'all the time', "at Hour o'clock"],
  Now: ['now', 'today', 'right now', 'again', 'outside'],
};

const VERB_RULES: Grammar = {
  Do: form(0),
  Act: form(0).filter((line) => !NOT_ASKED.has(line.split(' ')[0] as string)),
  Does: form(1),
  Did: form(2),
  Doing: form(3),
  SubjectS: ['he', 'she', 'Name', 'My Family', 'the Person', 'the Size Person', 'someone', 'Name', 'nobody', 'Name'],
  SubjectN: ['SubjectS', 'SubjectS', 'nobody'],
  SubjectP: ['we', 'they', 'i', 'you', 'the People', 'My Parents', 'Name and Name', 'Count People', 'Name and i'],
  SubjectAny: ['SubjectS', 'SubjectP'],
  Will: words('will can must should might'),
  Cannot: words("can't won't shouldn't"),
  Be: [
    'he is',
    'she is',
    'Name is',
    'we are',
    'they are',
    'you are',
    'i am',
    'the Person is',
    'My Family is',
    'the People are',
  ],
  BeAsk: [
    'is he',
    'is she',
    'is Name',
    'are we',
    'are they',
    'are you',
    'is the Person',
    'is My Family',
    'are the People',
  ],
  BePast: ['he was', 'she was', 'Name was', 'we were', 'they were', 'you were', 'i was', 'the Person was'],
  DoAsk: ['do you', 'does Name', 'do they', 'does My Family', 'does she', 'does he', 'do the People', 'do we'],
  DidAsk: ['did you', 'did Name', 'did they', 'did My Family', 'did she', 'did he', 'did the People'],
};

/** Statements end with a period, questions with a question mark, calls with an exclamation mark. */
const SENTENCE_RULES: Grammar = {
  Statement: lines(`
    SubjectS Does
    SubjectP Do
    SubjectAny Did
    SubjectAny Did Past
    SubjectN Did Past
    SubjectAny Did Past
    SubjectS Does Often
    SubjectP Do Often
    Often SubjectP Do
    SubjectAny Will Do
    SubjectAny Will Do Future
    SubjectAny Cannot Do
    Be Doing
    Be Doing Now
    Be very Feeling Now
    BePast Doing Past
    Be not Feeling
    the Object is Prep the Object
    the Objects are Prep the Object
    the Size Object is Color
    My Object is Size and Color
    there is Thing2 Prep the Object
    there are Count Objects in Place
    there are Count Animals near Place
    the train leaves Future
    the bus to Place comes Future
    it is half past Hour in Place
    it is Hour o'clock in Place
    it was Weather in Place Past
    it will be Weather in Place Future
    the Month is Weather in Place
    the Spot opens on Day
    the Spot is Direction
    the Object costs Count dollars
    My Family is Count years old
    My name is Name and i Do
    SubjectAny didn't Do
    SubjectP don't Do
    SubjectS doesn't Do
    SubjectP never Do
    SubjectS always Does
    Name told me about Someone
    SubjectAny gave Someone Thing
    SubjectAny forgot Thing at Place
    Name said the Spot is Weather
    i think SubjectS Does
    i know you Do
    if it is Weather we Do
    My Family likes Doing
    SubjectP like Doing
    SubjectN Does Often
    turn Side at Place and wait Count minutes
  `),
  Question: lines(`
    where is My Object and My Object
    where is My Color Object
    where is the Color Object
    where are the Size Objects
    where does My Family Do
    where did you find Thing
    when does the Spot open on Day
    when will Name Do
    who Did Past
    who Does Often
    why did Name Do
    why BeAsk Feeling Now
    why BeAsk Doing
    how much is the Size Object
    how many Objects do you need
    how far is the Spot from Place
    how old is My Size Animal
    what did SubjectAny Do2 Past
    what time is it in Place
    what color is My Size Object
    which Object is Size
    can you Act
    can you Act Future
    could you Act
    will you Act Future
    DoAsk Do
    DoAsk Do Often
    DidAsk Do
    DidAsk Do Past
    BeAsk Doing
    BeAsk Doing Now
    BeAsk very Feeling Now
    is it Weather in Place Now
    is there Thing2 Prep the Object
    are there any Objects Prep the Object
    may i Act
    should we Act Future
    have you seen My Object
    have you met My Family or Name
  `),
  Request: lines(`
    please Act
    please Act Future
    please Act with me
    please don't Act
    please put the Object Prep the Object
    please give me Thing
    please close the Opening Prep the Object
    please open the Opening of Place
    please call Someone Future
    please wait Count minutes
    please speak to Someone
    take the Object to Place
    show me Thing
    tell Name about Someone
    let's Act
    let's Act Future
    let me Act
    ask Someone about Thing
    don't forget Thing
    meet me at Place Future
    look at the Size Object
    turn Side at the Size Spot
    come to Place Future
    bring me Thing and Thing
    leave the Object Prep the Object
  `),
  Thing2: ['a Object', 'a Size Object', 'a Color Object', 'some Stuff', 'a Animal', 'a Fruit'],
  Opening: words('door window gate box bag bottle'),
  Prep: ['on', 'under', 'behind', 'in', 'near', 'next to'],
  Direction: ['near Place', 'behind Place', 'far from Place', 'open Now', 'closed on Day', 'next to Place'],
  Side: words('left right'),
  Do2: ['buy', 'see', 'eat', 'find', 'bring', 'paint', 'hear', 'sell', 'lose'],
};

const MOOD_RULES: Grammar = {
  Happy: lines(`
    i love My Size Object
    what a Lovely Month
    Be so Glad Now
    thank you for the Object
    thank you for helping Someone
    i am Glad you Did
    it is Lovely to see Someone
    we had a Lovely time at Place
    My Family made Food for us
    Name gave me Thing
  `),
  Lovely: words('lovely wonderful beautiful nice'),
  Glad: words('happy glad'),
  Sad: lines(`
    i miss My Family
    i miss My Size Animal
    i lost My Object Past
    nobody will Act with me
    Name left Past
    i am Sorry about My Object
    Be so Lonely Now
    we never saw Name again
    My Animal died Past
    i wish Name was here
  `),
  Sorry: words('sorry sad'),
  Lonely: words('lonely sad unhappy'),
  Angry: lines(`
    stop Doing now
    who broke My Object
    don't touch My Object
    i told you to Act
    you never Do
    you are late for Place again
    this Object is Awful
    leave My Object alone
    get out of My Spot
    why did you Do
    give me back My Object
  `),
  Awful: words('awful terrible broken wrong'),
  Calm: lines(`
    take your time with Thing
    sit down and Act
    close your eyes and think of Place
    Be resting at Place
    the Spot is quiet Now
    everything is fine in Place Now
    breathe slowly and relax
    we can Act later
    the Month is quiet and Weather
    there is no hurry to Act
  `),
  Excited: lines(`
    i can't wait to Act
    we won the game Past
    there is Thing2 Prep the Object
    i found Thing
    guess what Name found at Place
    hurry up and Act
    we are going to Place Future
    Name is coming to Place Future
    come quick and see the Animal
    i just saw Count Animals
  `),
};

export const GRAMMAR: Grammar = { ...NOUN_RULES, ...TIME_RULES, ...VERB_RULES, ...SENTENCE_RULES, ...MOOD_RULES };
