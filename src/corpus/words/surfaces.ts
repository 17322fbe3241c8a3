/**
 * How captions, questions and requests name the sounds of the catalogues in `sources/`. Keys are the catalogue's own
 * labels; a test holds both lists equal.
 */

/** The ways to say one sound event. */
export interface Surface {
  /** a noun phrase with its article: "a dog barking" */
  noun: string;
  /** a clause in the present: "a dog barks" */
  clause: string;
  /** the short noun phrase with a definite article: "the dog bark" */
  the: string;
}

const event = (clause: string, noun: string, the: string): Surface => ({ clause, noun, the });

export const EVENT_SURFACES: Readonly<Record<string, Surface>> = {
  'dog bark': event('a dog barks', 'a dog barking', 'the dog bark'),
  'cat meow': event('a cat meows', 'a cat meowing', 'the cat meow'),
  'bird chirp': event('a bird chirps', 'a bird chirping', 'the bird chirp'),
  'frog croak': event('a frog croaks', 'a frog croaking', 'the frog croak'),
  'owl hoot': event('an owl hoots', 'an owl hooting', 'the owl hoot'),
  'cuckoo call': event('a cuckoo calls', 'a cuckoo calling', 'the cuckoo call'),
  'mosquito buzz': event('a mosquito buzzes', 'a mosquito buzzing', 'the mosquito buzz'),
  'crow caw': event('a crow caws', 'a crow cawing', 'the crow caw'),
  'horse gallop': event('a horse gallops', 'a horse galloping', 'the horse gallop'),
  thunder: event('thunder rolls', 'rolling thunder', 'the thunder'),
  'water drip': event('water drips', 'dripping water', 'the water drip'),
  bubbles: event('bubbles rise', 'rising bubbles', 'the bubbles'),
  'knock on a door': event('someone knocks on a door', 'a knock on a door', 'the knock on the door'),
  'door slam': event('a door slams', 'a door slamming', 'the door slam'),
  doorbell: event('a doorbell rings', 'a doorbell', 'the doorbell'),
  'clock ticking': event('a clock ticks', 'a clock ticking', 'the clock ticking'),
  'glass clink': event('glasses clink', 'a clink of glasses', 'the glass clink'),
  'glass breaking': event('glass breaks', 'breaking glass', 'the breaking glass'),
  'keyboard typing': event('someone types on a keyboard', 'typing on a keyboard', 'the keyboard typing'),
  'camera shutter': event('a camera clicks', 'a camera shutter', 'the camera shutter'),
  'cash register': event('a cash register opens', 'a cash register', 'the cash register'),
  zipper: event('a zipper is pulled', 'a zipper', 'the zipper'),
  'telephone ring': event('a telephone rings', 'a telephone ringing', 'the telephone ring'),
  'dial tones': event('a number is dialed', 'dial tones', 'the dial tones'),
  'busy tone': event('a telephone gives a busy tone', 'a busy tone', 'the busy tone'),
  'alarm clock beeping': event('an alarm clock beeps', 'an alarm clock beeping', 'the alarm clock'),
  siren: event('a siren wails', 'a siren', 'the siren'),
  'church bell': event('a church bell rings', 'a church bell', 'the church bell'),
  'bicycle bell': event('a bicycle bell rings', 'a bicycle bell', 'the bicycle bell'),
  'wind chime': event('a wind chime rings', 'a wind chime', 'the wind chime'),
  buzzer: event('a buzzer sounds', 'a buzzer', 'the buzzer'),
  'sonar ping': event('a sonar pings', 'a sonar ping', 'the sonar ping'),
  'referee whistle': event('a referee blows a whistle', 'a referee whistle', 'the referee whistle'),
  'car horn': event('a car horn honks', 'a car horn', 'the car horn'),
  'train horn': event('a train horn blows', 'a train horn', 'the train horn'),
  'car passing by': event('a car passes by', 'a car passing by', 'the passing car'),
  'motorcycle engine': event('a motorcycle runs', 'a motorcycle engine', 'the motorcycle engine'),
  footsteps: event('someone walks', 'footsteps', 'the footsteps'),
  applause: event('people applaud', 'applause', 'the applause'),
  heartbeat: event('a heart beats', 'a heartbeat', 'the heartbeat'),
  'human whistle': event('someone whistles', 'someone whistling', 'the human whistle'),
  'finger snap': event('someone snaps their fingers', 'a finger snap', 'the finger snap'),
  burp: event('someone burps', 'a burp', 'the burp'),
  'hammer blows': event('a hammer strikes', 'hammer blows', 'the hammer blows'),
  'hand saw': event('someone saws wood', 'a hand saw', 'the hand saw'),
  'electric drill': event('a drill runs', 'an electric drill', 'the electric drill'),
  'steam hiss': event('steam hisses', 'hissing steam', 'the steam hiss'),
  'record scratch': event('a record scratches', 'a record scratch', 'the record scratch'),
  whoosh: event('something whooshes past', 'a whoosh', 'the whoosh'),
  'bouncing ball': event('a ball bounces', 'a bouncing ball', 'the bouncing ball'),
  explosion: event('something explodes', 'an explosion', 'the explosion'),
  'coin pickup': event('a game coin is picked up', 'a game coin sound', 'the coin pickup'),
  'laser shot': event('a laser fires', 'a laser shot', 'the laser shot'),
  'power-up': event('a game power-up plays', 'a game power-up', 'the power-up'),
  'cartoon jump': event('something jumps like in a cartoon', 'a cartoon jump', 'the cartoon jump'),
};

/** Ambience label -> noun phrase, never equal to a phrase of an event. */
export const AMBIENCE_SURFACES: Readonly<Record<string, string>> = {
  rain: 'steady rain',
  wind: 'blowing wind',
  'ocean waves': 'ocean waves',
  'a running stream': 'a running stream',
  'a crackling fire': 'a crackling fire',
  crickets: 'crickets',
  'engine hum': 'the hum of an engine',
  'a train on rails': 'a train on rails',
  'a helicopter': 'a helicopter',
  'fan hum': 'the hum of a fan',
  'vinyl crackle': 'the crackle of an old record',
};

/** Instrument id -> noun phrase with its article. */
export const INSTRUMENT_SURFACES: Readonly<Record<string, string>> = {
  piano: 'a piano',
  'acoustic guitar': 'an acoustic guitar',
  'electric guitar': 'an electric guitar',
  violin: 'a violin',
  cello: 'a cello',
  flute: 'a flute',
  clarinet: 'a clarinet',
  trumpet: 'a trumpet',
  accordion: 'an accordion',
  organ: 'an organ',
  harp: 'a harp',
  xylophone: 'a xylophone',
  strings: 'strings',
  banjo: 'a banjo',
};

/** The surface of an event. @throws Error for a label outside the catalogue: a defect of the program. */
export function eventSurface(label: string): Surface {
  const surface = EVENT_SURFACES[label];
  if (!surface) throw new Error(`no words for the event ${label}`);
  return surface;
}

/** "is" or "are", as the noun phrase wants it. */
export function isAre(noun: string): 'is' | 'are' {
  return /(?:bubbles|tones|footsteps|blows|waves|crickets|strings)$/.test(noun) ? 'are' : 'is';
}

/** "it is" or "they are", for the noun phrase. */
export function itIs(noun: string): string {
  return isAre(noun) === 'are' ? 'they are' : 'it is';
}

/** A noun phrase for any label of the small world: event, ambience or instrument. @throws Error when unknown. */
export function surfaceLabel(label: string): string {
  const noun = EVENT_SURFACES[label]?.noun ?? AMBIENCE_SURFACES[label] ?? INSTRUMENT_SURFACES[label];
  if (!noun) throw new Error(`no words for the label ${label}`);
  return noun;
}
