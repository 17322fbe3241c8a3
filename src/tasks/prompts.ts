/** The words that the verbs put before a user's own. */

/** What a model is told before a request for sound; the small model was trained with exactly these words. */
export const SYSTEM_PROMPT =
  'Turn the request into sound: think about it, describe the sound in a rich caption, then make it.';
