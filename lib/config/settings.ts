/** The settings of one node: their values as fields, and CONFIG GET, SET and REWRITE over them. */

import { SettingValues } from './values.js';

export class Settings extends SettingValues {}
